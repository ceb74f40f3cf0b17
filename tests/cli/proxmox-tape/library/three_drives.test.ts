/**
 * Several drives of one library at work at the same time, each for a process of its own: two backups and a restore, to
 * different pools and to the same pool (behaviour.md section 8, S-64, S-65).
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Command } from '../../../jobs/faults/command.ts';
import { InProcess } from '../../in_process.ts';

interface MediaRow {
  'label-text': string;
  pool: string;
  'media-set-uuid'?: string;
  location: string;
}

interface Setup {
  box: InProcess;
  /** Of pool `old`. */
  mediaSet: string;
}

/** A library of three drives, pools p1, p2 (one set each) and `many` (a set per job), and a set in pool `old`. */
async function setUp(t: ExecutionContext): Promise<Setup> {
  const box = new InProcess();
  t.teardown(() => box.remove());
  const path = (name: string) => join(box.root, name);
  const barcodes = ['A01', 'B01', 'C01', 'C02', 'D01'].flatMap((label) => ['--barcode', label]);
  const library = ['--drives', '3', '--slots', '8', '--import-export', '2', '--tape-size', '1000000000'];
  await box.ok('emulator', 'create', path('library'), ...library, ...barcodes, '--configure', 'lib');
  for (const name of ['store1', 'target']) await box.ok('datastore', 'create', name, path(name));
  writeFileSync(path('image'), randomBytes(24_000_000));
  await box.ok('snapshot', 'import', 'store1', 'vm/100', `disk.img:${path('image')}`);
  for (const [pool, policy] of Object.entries({ old: 'continue', p1: 'continue', p2: 'continue', many: 'always' })) {
    await box.ok('pool', 'create', pool, '--allocation', policy);
  }
  for (const [label, pool] of Object.entries({ A01: 'p1', B01: 'p2', C01: 'many', C02: 'many', D01: 'old' })) {
    await box.ok('load-media', label, '--drive', 'lib-drive0');
    await box.ok('label', '--label-text', label, '--pool', pool, '--drive', 'lib-drive0');
  }
  await box.ok('backup', 'store1', 'old', '--drive', 'lib-drive0');
  const media = await box.json<MediaRow[]>('media', 'list', '--pool', 'old');
  return { box, mediaSet: media[0]?.['media-set-uuid'] ?? '' };
}

/** How fast the emulated robot and drives are. */
function setPace(box: InProcess, pace: 'instant' | { faster: number }): void {
  const path = join(box.root, 'library', 'library.json');
  const library = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...library, pace }));
}

const start = (box: InProcess, ...words: string[]): Command => new Command(box.root, words);

async function ended(t: ExecutionContext, ...commands: Command[]): Promise<void> {
  for (const { code, stdout, stderr } of await Promise.all(commands.map((command) => command.ended))) {
    t.is(code, 0, stdout + stderr);
    t.regex(stdout, /^TASK OK$/m);
  }
}

test('two backups to different pools and a restore, at the same time', async (t) => {
  const { box, mediaSet } = await setUp(t);
  await ended(
    t,
    start(box, 'backup', 'store1', 'p1', '--drive', 'lib-drive0'),
    start(box, 'backup', 'store1', 'p2', '--drive', 'lib-drive1', '--eject-media'),
    start(box, 'restore', mediaSet, 'target', '--drive', 'lib-drive2'),
  );
  const verified = await box.json<{ snapshots: number; errors: unknown[] }>('snapshot', 'verify', 'target');
  t.deepEqual([verified.snapshots, verified.errors.length], [1, 0]);
  const content = await box.json<{ pool: string }[]>('media', 'content');
  t.deepEqual(content.map(({ pool }) => pool).sort(), ['old', 'p1', 'p2']);
  const status = await box.json<{ 'entry-kind': string; 'label-text'?: string }[]>('changer', 'status', 'lib');
  const inDrives = status.filter((entry) => entry['entry-kind'] === 'drive').map((entry) => entry['label-text']);
  t.deepEqual(inDrives, ['A01', undefined, 'D01'], 'the second job put its tape back');
});

test('two backups to one pool: with a set per job both run (S-64)', async (t) => {
  const { box } = await setUp(t);
  await ended(
    t,
    start(box, 'backup', 'store1', 'many', '--drive', 'lib-drive0'),
    start(box, 'backup', 'store1', 'many', '--drive', 'lib-drive1'),
  );
  const media = await box.json<MediaRow[]>('media', 'list', '--pool', 'many');
  const sets = new Set(media.map((row) => row['media-set-uuid']));
  t.is(sets.size, 2);
  t.false(sets.has(undefined));
});

test.serial('two backups to one pool with one set: the second waits ten seconds, then fails (S-65)', async (t) => {
  const { box } = await setUp(t);
  // Without a set to go on with each job would begin its own.
  await box.ok('backup', 'store1', 'p1', '--drive', 'lib-drive0', '--eject-media');
  await box.ok('snapshot', 'import', 'store1', 'vm/101', `disk.img:${join(box.root, 'image')}`);
  // So that the first job is still at it when it is stopped.
  setPace(box, { faster: 15 });
  const first = start(box, 'backup', 'store1', 'p1', '--drive', 'lib-drive0');
  await first.said(/^media set uuid: /m);
  first.signal('SIGSTOP');
  setPace(box, 'instant');
  const began = Date.now();
  const second = await start(box, 'backup', 'store1', 'p1', '--drive', 'lib-drive1').ended;
  t.is(second.code, 255);
  t.regex(second.stderr, /media set [0-9a-f-]+ is in use by another process/);
  t.true(Date.now() - began >= 9_900);
  const busy = await box.run('rewind', '--drive', 'lib-drive2');
  t.regex(busy.stderr, /no tape/, 'the third drive is free');
  const states = await box.json<{ name: string; state?: string }[]>('drive', 'list');
  t.regex(states.find(({ name }) => name === 'lib-drive0')?.state ?? '', /^UPID:.*:tape-backup:/);
  t.is(states.find(({ name }) => name === 'lib-drive1')?.state, undefined);
  first.signal('SIGCONT');
  await ended(t, first);
  await ended(t, start(box, 'backup', 'store1', 'p1', '--drive', 'lib-drive1'));
});
