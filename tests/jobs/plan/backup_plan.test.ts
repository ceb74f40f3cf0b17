/** Plans of backups: each is compared with what the job then does. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type BackupPlan, planBackup } from '../../../ts/index.ts';
import { printInventory } from '../../../ts/native.ts';
import { type TapeShorthand, tape } from '../../media/tapes.ts';
import { RecordingObserver } from '../../recording_observer.ts';
import { chunkDigest, Site } from '../site.ts';

const REQUEST = { store: 'store1', pool: 'pool1', drive: 'vdrive' };

/** Chunks a, b, c, ... of some 300 KB. */
const chunks = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `chunk${from + index}`);

function plan(site: Site, parameters = {}): Promise<BackupPlan> {
  return planBackup(site.installation, { ...REQUEST, ...parameters }, new RecordingObserver());
}

/** Every file below a directory, with its content. */
function content(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name),
      readFileSync(join(parentPath, name)).toString('base64'),
    ]),
  );
}

/** Tapes and bytes of the plan are those of the run; tapes that were missing are brought by name before it. */
async function compareWithRun(t: ExecutionContext, site: Site, parameters = {}, bring: string[] = []) {
  const planned = await plan(site, parameters);
  t.is(planned.missingTapes, bring.length);
  for (const label of bring) await site.label(label);
  const { summary } = await site.backup(parameters);
  t.deepEqual(planned.snapshots, summary.written);
  t.deepEqual(
    [planned.chunks, planned.chunkBytes, planned.skippedChunks, planned.tapeBytes, planned.skipped],
    [summary.chunks, summary.chunkBytes, summary.skippedChunks, summary.tapeBytes, summary.skipped],
  );
  let brought = 0;
  const named = planned.tapes.map(({ labelText, source, ...rest }) =>
    source === 'missing' ? { labelText: bring[brought++], source: 'empty', ...rest } : { labelText, source, ...rest },
  );
  t.deepEqual(
    named,
    summary.media.map(({ labelText, source, seqNr, tapeBytes }) => ({ labelText, source, seqNr, tapeBytes })),
  );
  if (planned.mediaSetUuid !== undefined) t.is(planned.mediaSetUuid, summary.mediaSetUuid);
  return planned;
}

test('a first backup: a new set on an empty tape', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, chunks(3));
  await site.addSnapshot('vm/1', 2, chunks(3, 1));
  const planned = await compareWithRun(t, site);
  t.is(planned.mediaSetUuid, undefined);
  t.is(planned.tapes.length, 1);
});

test('over several tapes, some of them missing; then the next job on the last of them', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 24, tapes: ['T1', 'T2'] });
  for (const day of [1, 2, 3, 4, 5]) await site.addSnapshot('vm/1', day, chunks(12, day * 10));
  const planned = await compareWithRun(t, site, {}, ['T3', 'T4']);
  t.is(planned.tapes.length, 4);
  t.deepEqual(
    planned.tapes.map(({ source }) => source),
    ['empty', 'empty', 'missing', 'missing'],
  );
  await site.addSnapshot('vm/2', 1, chunks(4, 10));
  const next = await compareWithRun(t, site);
  t.is(next.tapes[0]?.source, 'current');
  t.is(next.chunks, 0, 'all of its chunks are on the tapes');
});

test('expired tapes and tapes without pool are planned as they are taken', async (t) => {
  const pool = { allocation: 'always', retention: 'overwrite' };
  const site = await Site.make(t, { tapeBlocks: 24, tapes: ['T1'], pool });
  await site.addSnapshot('vm/1', 1, chunks(5));
  await site.backup();
  await site.label('FREE', { pool: undefined });
  await site.addSnapshot('vm/1', 2, chunks(25, 20));
  site.now += 10;
  const planned = await compareWithRun(t, site);
  t.deepEqual(
    planned.tapes.map(({ labelText, source }) => [labelText, source]),
    [
      ['T1', 'expired'],
      ['FREE', 'unassigned'],
    ],
  );
  t.regex(planned.newSetReason ?? '', /always/);
});

test('namespaces, group filters and latest-only are those of the run', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, chunks(1));
  await site.addSnapshot('vm/1', 2, chunks(1, 1));
  await site.addSnapshot('ct/1', 1, chunks(1, 2));
  await site.addSnapshot('vm/2', 1, chunks(1, 3), { ns: 'a' });
  const planned = await compareWithRun(t, site, {
    latestOnly: true,
    groupFilter: ['type:vm', 'exclude:group:vm/2'],
    maxDepth: 0,
  });
  t.is(planned.snapshots.length, 1);
});

test('a plan changes nothing, and leaves nothing behind', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 24, tapes: ['T1'] });
  await site.addSnapshot('vm/1', 1, chunks(5));
  await site.backup();
  await site.addSnapshot('vm/1', 2, chunks(20, 5));
  const before = content(site.installation.root);
  const planned = await plan(site);
  t.true(planned.missingTapes > 0);
  t.deepEqual(content(site.installation.root), before);
  t.deepEqual(
    readdirSync(site.installation.paths.cacheDir).filter((name) => name.startsWith('plan-')),
    [],
  );
});

test('everything is on tape: no tape is needed', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, chunks(2));
  await site.backup();
  const planned = await compareWithRun(t, site);
  t.deepEqual([planned.tapes, planned.seconds, planned.skipped], [[], 0, 1]);
});

test('a missing chunk is found by the plan', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['lost']);
  const folder = site.path('store1/.chunks');
  const digest = chunkDigest('lost');
  rmSync(join(folder, digest.slice(0, 4), digest));
  const error = await t.throwsAsync(plan(site));
  t.true(error?.message.includes(digest), error?.message);
});

test('time: of what the drive achieved before', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 400 });
  await site.addSnapshot('vm/1', 1, chunks(60));
  t.is((await plan(site)).seconds, undefined);
  const { summary } = await site.backup();
  await site.addSnapshot('vm/1', 2, chunks(20, 100));
  const next = await plan(site);
  const expected = (next.tapeBytes * summary.seconds) / summary.tapeBytes;
  t.true(Math.abs((next.seconds ?? 0) / expected - 1) < 1e-6);
});

/** A drive that is not there, and tapes as the inventory knows them. */
async function realDrive(t: ExecutionContext, tapes: readonly TapeShorthand[], changer?: string): Promise<Site> {
  const site = await Site.make(t, { tapes: [] });
  const lines = changer === undefined ? '' : `\tchanger ${changer}\n`;
  const sections = `lto: lto8\n${lines}\tpath /dev/no-such-drive\n${changer ? `\nchanger: ${changer}\n\tpath /dev/no-such-changer\n` : ''}`;
  writeFileSync(site.installation.paths.configFile('tape.cfg'), sections);
  mkdirSync(site.installation.paths.statusDir, { recursive: true });
  const entries = tapes.map((short) => tape({ ...short, ...(short.pool && { pool: 'pool1' }) }));
  writeFileSync(site.installation.paths.inventoryFile, printInventory(entries));
  return site;
}

test('a real drive with a library: its tapes by their bar codes, capacity and speed by the generation', async (t) => {
  const tapes = [
    { tape: 'A00002L8', uuid: 'A2', pool: 'p', location: 'online-sl3', labelled: 2 },
    { tape: 'A00001L8', uuid: 'A1', pool: 'p', location: 'online-sl3', labelled: 1 },
    { tape: 'A00000L8', uuid: 'A0', pool: 'p', labelled: 0 },
  ];
  const site = await realDrive(t, tapes, 'sl3');
  await site.addSnapshot('vm/1', 1, chunks(3));
  const planned = await plan(site, { drive: 'lto8' });
  t.deepEqual(
    planned.tapes.map(({ labelText, source }) => [labelText, source]),
    [['A00001L8', 'empty']],
  );
  const mounting = 150;
  t.is(planned.seconds, planned.tapeBytes / 360e6 + mounting);
  t.regex(planned.notes.join(), /tapes of 12\.00 TB/);
});

test('a standalone real drive takes what is on site; missing tapes have the capacity of the others', async (t) => {
  const site = await realDrive(t, [{ tape: 'A00000L8', uuid: 'A0', pool: 'p' }]);
  await site.addSnapshot('vm/1', 1, chunks(3));
  t.is((await plan(site, { drive: 'lto8' })).tapes[0]?.labelText, 'A00000L8');
  const none = await realDrive(t, [{ tape: 'A00001L8', uuid: 'A1', pool: 'p', location: 'vault-bank' }]);
  await none.addSnapshot('vm/1', 1, chunks(3));
  t.is((await plan(none, { drive: 'lto8' })).missingTapes, 1);
});

test('labels that say nothing about the cartridge: the plan says so', async (t) => {
  const site = await realDrive(t, [{ tape: 'tape1', pool: 'p' }]);
  await site.addSnapshot('vm/1', 1, chunks(1));
  await t.throwsAsync(plan(site, { drive: 'lto8' }), { code: 'unknown-capacity', message: /'pool1'.*A00012L8/ });
});
