/** A backup that fills its tapes changes them by itself; the set comes back through the other drive, and is exported whole. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InProcess } from '../../in_process.ts';

interface MediaRow {
  'label-text': string;
  'media-set-uuid'?: string;
  'seq-nr'?: number;
  status: string;
}

const box = new InProcess();
const library = join(box.root, 'library');
const drive = ['--drive', 'lib-drive0'];

test.after.always(() => box.remove());

test('three tapes, one after the other', async (t) => {
  const barcodes = ['A01', 'A02', 'A03', 'A04'].flatMap((label) => ['--barcode', label]);
  const size = ['--drives', '2', '--slots', '4', '--import-export', '3', '--tape-size', '16000000'];
  await box.ok('emulator', 'create', library, ...size, ...barcodes, '--configure', 'lib');
  for (const name of ['store1', 'target']) await box.ok('datastore', 'create', name, join(box.root, name));
  writeFileSync(join(box.root, 'image'), randomBytes(32_000_000));
  await box.ok('snapshot', 'import', 'store1', 'vm/100', `disk.img:${box.root}/image`);
  await box.ok('pool', 'create', 'pool1');
  await box.ok('barcode-label', '--pool', 'pool1', ...drive);

  const text = await box.ok('backup', 'store1', 'pool1', ...drive, '--export-media-set');
  t.regex(
    text,
    /tape 'A01' is full\n(.*\n)*moving tape 'A01' from drive 0 to slot 1\nmoving tape 'A02' from slot 2 to drive 0\n/,
  );
  const media = await box.json<MediaRow[]>('media', 'list');
  const set = media.filter((row) => row['media-set-uuid'] !== undefined);
  t.deepEqual(
    set.map((row) => `${row['label-text']} ${row['seq-nr']} ${row.status}`),
    ['A01 0 full', 'A02 1 full', 'A03 2 writable'],
  );
  for (const [index, { 'label-text': label }] of set.entries()) {
    t.true(text.includes(`exported tape '${label}' to import/export slot ${5 + index}`), label);
    await box.ok('changer', 'transfer', 'lib', '--from', String(5 + index), '--to', String(1 + index));
  }

  const uuid = set[0]?.['media-set-uuid'] ?? '';
  const restored = await box.ok('restore', uuid, 'target', '--drive', 'lib-drive1');
  t.regex(restored, /required tapes: A01;A02;A03\n/);
  const verified = await box.json<{ snapshots: number; errors: unknown[] }>('snapshot', 'verify', 'target');
  t.deepEqual([verified.snapshots, verified.errors.length], [1, 0]);
});
