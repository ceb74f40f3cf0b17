/** A restore that needs a tape which is not in its library waits until somebody brings it (D11), or gives up (S-188). */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Command } from '../../../jobs/faults/command.ts';
import { InProcess } from '../../in_process.ts';

const box = new InProcess();
const library = join(box.root, 'library');
const drive = ['--drive', 'lib-drive0'];
let mediaSet = '';

test.before(async () => {
  const size = ['--drives', '1', '--slots', '3', '--import-export', '1', '--tape-size', '100000000'];
  await box.ok('emulator', 'create', library, ...size, '--barcode', 'A01', '--barcode', 'A02', '--configure', 'lib');
  for (const name of ['store1', 'target']) await box.ok('datastore', 'create', name, join(box.root, name));
  writeFileSync(join(box.root, 'image'), randomBytes(1_000_000));
  await box.ok('snapshot', 'import', 'store1', 'vm/100', `disk.img:${box.root}/image`);
  await box.ok('pool', 'create', 'pool1');
  await box.ok('load-media', 'A01', ...drive);
  await box.ok('label', '--label-text', 'A01', '--pool', 'pool1', ...drive);
  await box.ok('backup', 'store1', 'pool1', ...drive, '--export-media-set');
  const media = await box.json<Record<string, string>[]>('media', 'list', '--pool', 'pool1');
  mediaSet = media[0]?.['media-set-uuid'] ?? '';
});
test.after.always(() => box.remove());

const restore = () => new Command(box.root, ['restore', mediaSet, 'target', ...drive]);

test.serial('in a mail slot it is not at hand; Ctrl-C ends the wait', async (t) => {
  const job = restore();
  await job.said(/waiting for tape 'A01'/);
  job.signal('SIGINT');
  const { code, stdout, stderr } = await job.ended;
  t.is(code, 130, stderr);
  t.regex(stdout, /'A01' is in import\/export slot 4: move it to another slot first/);
  t.is(
    await box.ok('rewind', ...drive).catch(({ message }: Error) => /no tape/.test(message)),
    true,
    'the drive is free',
  );
});

test.serial('brought back to a slot while the job waits, it is restored', async (t) => {
  await box.ok('emulator', 'remove', library, '--slot', '4');
  const job = restore();
  await job.said(/waiting for tape 'A01'/);
  await box.ok('emulator', 'insert', library, 'A01', '--slot', '3');
  const { code, stdout, stderr } = await job.ended;
  t.is(code, 0, stdout + stderr);
  t.regex(stdout, /'A01' is not in the library/);
  t.regex(stdout, /moving tape 'A01' from slot 3 to drive 0/);
  const verified = await box.json<{ snapshots: number; errors: unknown[] }>('snapshot', 'verify', 'target');
  t.deepEqual([verified.snapshots, verified.errors.length], [1, 0]);
});
