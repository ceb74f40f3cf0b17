/** What an operator tells about tapes, through the commands. */
import { mkdirSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { printInventory } from '../../../ts/native.ts';
import { type TapeShorthand, tape, uuidOf } from '../../media/tapes.ts';
import { makeSandbox, type Sandbox } from './sandbox.ts';

async function withTapes(t: ExecutionContext, tapes: TapeShorthand[]): Promise<Sandbox> {
  const box = await makeSandbox(t);
  await box.ok(t, 'pool create p1');
  mkdirSync(box.paths.statusDir, { recursive: true });
  writeFileSync(box.paths.inventoryFile, printInventory(tapes.map(tape)));
  return box;
}

interface Listed {
  'label-text': string;
  status: string;
  location: string;
}

async function listed(t: ExecutionContext, box: Sandbox): Promise<Record<string, string>> {
  const rows: Listed[] = JSON.parse(await box.ok(t, 'media list --output-format json'));
  return Object.fromEntries(rows.map((row) => [row['label-text'], `${row.status}, ${row.location}`]));
}

test('to the vault and back; status set and cleared', async (t) => {
  const box = await withTapes(t, [
    { tape: 'T1', pool: 'p1', set: 'S1', seq: 0, joined: 10 },
    { tape: 'T2', pool: 'p1' },
  ]);
  await box.ok(t, 'media move T1 --vault-name bank');
  await box.ok(t, 'media set-status T2 --status damaged');
  t.deepEqual(await listed(t, box), { T1: 'full, vault-bank', T2: 'damaged, offline' });
  await box.ok(t, `media move --uuid ${uuidOf('T1')}`);
  t.is((await box.run('media set-status T2')).stderr, "the status 'damaged' is cleared\n");
  t.is((await box.run('media set-status T2')).stderr, 'no status was set\n');
  t.deepEqual(await listed(t, box), { T1: 'writable, offline', T2: 'writable, offline' });
});

test('a tape that the library still shows is online again when that is asked: said at once', async (t) => {
  const box = await withTapes(t, [{ tape: 'T1', location: 'online-sl3' }]);
  const { code, stderr } = await box.run('media move T1 --vault-name bank');
  t.is(code, 0);
  t.regex(stderr, /tape 'T1' was in library 'sl3' .*take it out/);
});

test('destroy: a member of a media set only with --force', async (t) => {
  const box = await withTapes(t, [
    { tape: 'T1', pool: 'p1', set: 'S1', seq: 0, joined: 10 },
    { tape: 'T2', pool: 'p1', set: 'S1', seq: 1, joined: 20 },
    { tape: 'T3', pool: 'p1', set: 'Z' },
  ]);
  t.regex(await box.fails(t, 'media destroy T1'), /tape 'T1' belongs to media set .* use --force/);
  await box.ok(t, 'media destroy T1 --force');
  await box.ok(t, 'media destroy T3');
  t.deepEqual(Object.keys(await listed(t, box)), ['T2']);
  const [set] = JSON.parse(await box.ok(t, 'media-set list --output-format json'));
  t.like(set, { 'media-set-uuid': uuidOf('S1'), 'media-set-ctime': 20, pool: 'p1', tapes: 1, missing: 1 });
});

test('several tapes with one label are told apart by their UUIDs', async (t) => {
  const box = await withTapes(t, [{ tape: 'T1' }, { tape: 'T1', uuid: 'other' }]);
  t.regex(await box.fails(t, 'media destroy T1'), /several tapes have the label 'T1'/);
  t.regex(await box.fails(t, 'media destroy'), /by its label or by --uuid/);
  t.regex(await box.fails(t, `media destroy T1 --uuid ${uuidOf('T1')}`), /one of the two/);
  await box.ok(t, `media destroy --uuid ${uuidOf('other')}`);
  await box.ok(t, 'media set-status T1 --status retired');
  t.deepEqual(await listed(t, box), { T1: 'retired, offline' });
});

test('media sets: named, in order of pool and start', async (t) => {
  const box = await withTapes(t, [
    { tape: 'A', pool: 'p2', set: 'S3', seq: 0, joined: 5 },
    { tape: 'B', pool: 'p1', set: 'S2', seq: 0, joined: '2021-01-13 13:55:55' },
    { tape: 'C', pool: 'p1', set: 'S1', seq: 0, joined: 10 },
    { tape: 'D', pool: 'p1', set: 'S1', seq: 2, joined: 30 },
  ]);
  await box.ok(t, 'pool update p1 --template %F');
  const rows = JSON.parse(await box.ok(t, 'media-set list --output-format json'));
  t.deepEqual(
    rows.map((row: Record<string, unknown>) => [row['media-set-name'], row.pool, row.tapes, row.missing]),
    [
      ['1970-01-01', 'p1', 2, 1],
      ['2021-01-13', 'p1', 1, 0],
      ['Thu Jan  1 00:00:05 1970', 'p2', 1, 0],
    ],
  );
  t.is(JSON.parse(await box.ok(t, 'media-set list --pool p2 --output-format json')).length, 1);
});

test('errors: unknown tapes, statuses and vaults are refused', async (t) => {
  const box = await withTapes(t, [{ tape: 'T1' }]);
  t.regex(await box.fails(t, 'media move T9'), /no tape with label 'T9' is in the inventory/);
  t.regex(await box.fails(t, `media set-status --uuid ${uuidOf('x')}`), /no tape with UUID/);
  t.regex(await box.fails(t, 'media set-status T1 --status writable'), /must be one of full, damaged, retired/);
  t.regex(await box.fails(t, 'media move T1 --vault-name x'), /parameter 'vault-name' must have 3 to 32 characters/);
});
