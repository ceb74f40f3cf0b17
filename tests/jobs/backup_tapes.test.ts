/** Tapes that are not what the inventory says, and tapes that a stopped job left half prepared. */
import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createPool, loadMedia, mediaContent, readLabel, updatePool } from '../../ts/index.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import { createCatalog } from '../../ts/native.ts';
import { tapeFiles } from '../pbs_tapes.ts';
import { RecordingObserver, settled } from '../recording_observer.ts';
import { Site } from './site.ts';

const TAPES = 'tapes-vdrive';

/** Everything below a folder by name. */
function copyOf(folder: string): Map<string, Buffer> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}

function putBack(folder: string, files: ReadonlyMap<string, Buffer>): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
}

/** A site whose inventory was lost after the tapes T1 of pool1 and P2 of pool2 got data, and that believes both empty. */
async function forgetfulSite(t: Parameters<typeof Site.make>[0]): Promise<Site> {
  const site = await Site.make(t, { tapes: [] });
  await createPool(site.installation, { name: 'pool2' });
  await site.label('T1', { pool: undefined });
  const before = readFileSync(site.installation.paths.inventoryFile);
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup({ pool: 'pool2' });
  writeFileSync(site.installation.paths.inventoryFile, before);
  return site;
}

test('a tape with data of another pool is not overwritten, whatever the inventory believed', async (t) => {
  const site = await forgetfulSite(t);
  const tape = copyOf(site.path(TAPES));
  const { outcome } = await site.backup();
  t.is(outcome.error?.code, 'foreign-tape');
  t.regex(
    outcome.error?.message ?? '',
    /'T1' belongs to media set .* \(number 0\) of pool 'pool2'.*nothing was written/,
  );
  for (const [name, bytes] of tape) {
    if (name.startsWith('tapefile')) t.deepEqual(readFileSync(site.path(TAPES, name)), bytes, name);
  }
  t.is((await site.inventory()).getByLabel('T1').mediaSetLabel?.pool, 'pool2');
  await site.label('T2');
  const { summary } = await site.backup();
  t.deepEqual(
    summary.media.map(({ labelText, seqNr }) => [labelText, seqNr]),
    [['T2', 0]],
  );
});

test('an unknown set of the own pool is not overwritten either', async (t) => {
  const site = await Site.make(t);
  const labelled = readFileSync(site.installation.paths.inventoryFile);
  await site.addSnapshot('vm/1', 1, ['a']);
  const { mediaSetUuid } = (await site.backup()).summary;
  writeFileSync(site.installation.paths.inventoryFile, labelled);
  t.is((await site.backup()).outcome.error?.code, 'foreign-tape');
  t.is((await site.inventory()).getByLabel('T1').mediaSetLabel?.uuid, mediaSetUuid);
});

test('another tape under the wanted label is refused by its UUID', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const blank = copyOf(site.path(TAPES));
  await settled(loadMedia(site.installation, { labelText: 'T2', drive: 'vdrive' }, new RecordingObserver()));
  const { label } = (await site.inventory()).getByLabel('T1');
  const inventory = new InventoryFile(site.installation);
  await inventory.update((known) => known.without(label.uuid));
  const tape = { ...label, uuid: '11111111-2222-4333-8444-555555555555' };
  await inventory.update((known) => known.withTape({ label: tape }));
  const { outcome } = await site.backup();
  t.is(outcome.error?.code, 'I3');
  t.true(outcome.error?.message.includes(label.uuid));
  t.deepEqual(readFileSync(site.tapeFile('T1', 0)), blank.get('tapefile-0-T1.json'));
});

test('a blank tape in the place of one with data stops the job', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup();
  for (const name of readdirSync(site.path(TAPES)).filter((each) => each.includes('-T1.')))
    rmSync(site.path(TAPES, name));
  writeFileSync(site.path(TAPES, 'tape-T1.json'), '{"files": 0}');
  await site.addSnapshot('vm/1', 2, ['b']);
  const { outcome } = await site.backup();
  t.is(outcome.error?.code, 'I3');
  t.regex(outcome.error?.message ?? '', /expected to be 'T1', has no label: it is blank/);
});

test('a tape that lost its set label but has data by its catalog is left to a person', async (t) => {
  const site = await Site.make(t, { tapes: ['T1', 'T2'] });
  await site.addSnapshot('vm/1', 1, ['a']);
  const first = (await site.backup()).summary;
  writeFileSync(site.path(TAPES, 'tape-T1.json'), '{"files": 1}');
  await site.addSnapshot('vm/1', 2, ['b']);
  const { outcome } = await site.backup();
  t.is(outcome.error?.code, 'I3');
  t.regex(
    outcome.error?.message ?? '',
    /'T1' is number 0 of media set .* has data by its catalog.* has no media set label/,
  );
  t.is((await mediaContent(site.installation, {})).length, 1, 'the catalog is as it was');

  await readLabel(site.installation, { drive: 'vdrive', inventorize: true });
  const second = (await site.backup()).summary;
  t.not(second.mediaSetUuid, first.mediaSetUuid);
  t.is(second.written.length, 2);
});

test('a tape that has another number in its set than the inventory says is told', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup();
  const file = new InventoryFile(site.installation);
  const { label, mediaSetLabel } = (await file.load()).getByLabel('T1');
  if (!mediaSetLabel) return t.fail();
  await site.label('T2');
  const second = (await file.load()).getByLabel('T2').label;
  await file.update((known) => known.withTape({ label, mediaSetLabel: { ...mediaSetLabel, seqNr: 1 } }));
  await file.update((known) => known.withTape({ label: second, mediaSetLabel: { ...mediaSetLabel, ctime: 1 } }));
  await site.addSnapshot('vm/1', 2, ['b']);
  const { outcome } = await site.backup();
  t.is(outcome.error?.code, 'catalog-unusable');
  t.regex(outcome.error?.message ?? '', /catalog of tape 'T\d'.*the inventory says .*proxmox-tape catalog --force/);
});

test('an expired tape is taken again, and its old set is gone with the set label', async (t) => {
  const site = await Site.make(t, { pool: { allocation: 'always', retention: 'overwrite' } });
  await site.addSnapshot('vm/1', 1, ['a']);
  const first = (await site.backup()).summary;
  const { summary, observer } = await site.backup();
  t.not(summary.mediaSetUuid, first.mediaSetUuid);
  t.true(observer.lines.includes("allocated expired tape 'T1'"));
  t.true(observer.lines.some((line) => line.includes(`overwrites set ${first.mediaSetUuid}`)));
  t.deepEqual(
    (await mediaContent(site.installation, {})).map((entry) => entry['media-set-uuid']),
    [summary.mediaSetUuid],
  );
});

/** The state of tapes and status directory at each of these lines of a job, as a kill at that moment leaves it. */
async function statesOf(site: Site, patterns: RegExp[]): Promise<Map<string, Buffer>[][]> {
  const states: Map<string, Buffer>[][] = [];
  const observer = new RecordingObserver();
  const folders = [site.path(TAPES), site.installation.paths.statusDir];
  for (const pattern of patterns) observer.when(pattern, () => states.push(folders.map(copyOf)));
  await site.backup({}, observer);
  return states;
}

test('a job that was killed after it allocated a tape, or while it prepared it, is completed by the next', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 8, tapes: ['T1', 'T2', 'T3', 'T4'] });
  await site.addSnapshot('vm/1', 1, ['a1', 'b1', 'c1']);
  await site.addSnapshot('vm/1', 2, ['a2', 'b2', 'c2']);
  const states = await statesOf(site, [
    /^allocated empty tape 'T1'/,
    /^writing new media set label to tape 'T1'/,
    /^allocated empty tape 'T2'/,
    /^append catalog of tape 'T1' \(number 0/,
    /^append catalog of tape 'T\d'$/,
  ]);
  t.is(states.length, 5);
  await site.addTarget('target');
  for (const [number, [tapes, status]] of states.entries()) {
    if (!tapes || !status) return t.fail();
    putBack(site.path(TAPES), tapes);
    putBack(site.installation.paths.statusDir, status);
    const { summary } = await site.backup();
    t.is(summary.written.length + summary.skipped, 2, `after state ${number}`);
    rmSync(site.path('target/vm'), { recursive: true, force: true });
    const { restored } = (await site.restore({ mediaSet: summary.mediaSetUuid, store: 'target' })).summary;
    t.deepEqual([restored.length, await site.verified('target')], [2, 2]);
    for (const { labelText, seqNr } of summary.media) {
      const catalogs = tapeFiles(site.path(TAPES), labelText).slice(2, 2 + seqNr);
      t.true(
        catalogs.every(({ kind }) => kind === 'catalog archive'),
        `${labelText} after state ${number}`,
      );
    }
  }
});

test('an expired tape whose new owner was killed before it wrote the set label is taken by the next run', async (t) => {
  const site = await Site.make(t, { pool: { allocation: 'always', retention: 'overwrite' } });
  await site.addSnapshot('vm/1', 1, ['a']);
  const first = (await site.backup()).summary;
  const [state] = await statesOf(site, [/^allocated expired tape 'T1'/]);
  if (!state?.[0] || !state[1]) return t.fail();
  putBack(site.path(TAPES), state[0]);
  putBack(site.installation.paths.statusDir, state[1]);
  const allocated = (await site.inventory()).getByLabel('T1').mediaSetLabel?.uuid ?? '';
  t.not(allocated, first.mediaSetUuid);
  await updatePool(site.installation, 'pool1', { allocation: 'continue' });
  const { summary } = await site.backup();
  t.is(summary.mediaSetUuid, allocated);
  t.is(summary.written.length, 1);

  putBack(site.path(TAPES), state[0]);
  putBack(site.installation.paths.statusDir, state[1]);
  await updatePool(site.installation, 'pool1', { allocation: 'always' });
  const again = (await site.backup()).summary;
  t.false([allocated, first.mediaSetUuid].includes(again.mediaSetUuid), 'yet another set takes the tape');
  t.is(again.written.length, 1);
});

test('a tape that somebody else wrote to after it was allocated is not overwritten', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const [state] = await statesOf(site, [/^allocated empty tape 'T1'/]);
  if (!state?.[1]) return t.fail();
  const other = (await site.inventory()).getByLabel('T1').mediaSetLabel;
  putBack(site.installation.paths.statusDir, state[1]);
  // Here the tape joined a set a moment ago; on the tape is a set that is younger.
  const file = new InventoryFile(site.installation);
  const { label, mediaSetLabel } = (await file.load()).getByLabel('T1');
  if (!mediaSetLabel || !other) return t.fail();
  const mine = { ...mediaSetLabel, uuid: '11111111-2222-4333-8444-555555555555', ctime: other.ctime - 1 };
  await file.update((known) => known.withTape({ label, mediaSetLabel: mine }));
  await createCatalog(site.installation.paths.catalogFile(label.uuid), { label, mediaSetLabel: mine });
  const { outcome } = await site.backup();
  t.is(outcome.error?.code, 'foreign-tape');
  t.is((await file.load()).getByLabel('T1').mediaSetLabel?.uuid, other.uuid);
});

for (const [name, damage] of [
  ['empty', (file: string) => truncateSync(file, 0)],
  ['cut in the middle of its block', (file: string) => truncateSync(file, 100_000)],
  ['missing', (file: string) => rmSync(file)],
] as const) {
  test(`a set label whose writer was killed (${name}) is written again`, async (t) => {
    const site = await Site.make(t);
    await site.addSnapshot('vm/1', 1, ['a']);
    const [state] = await statesOf(site, [/^writing new media set label/]);
    if (!state?.[0] || !state[1]) return t.fail();
    const label = readFileSync(site.tapeFile('T1', 1));
    putBack(site.path(TAPES), state[0]);
    putBack(site.installation.paths.statusDir, state[1]);
    writeFileSync(site.path(TAPES, 'tape-T1.json'), '{"files": 2}');
    writeFileSync(site.tapeFile('T1', 1), label);
    damage(site.tapeFile('T1', 1));
    const { summary } = await site.backup();
    t.is(summary.written.length, 1);
    t.is(tapeFiles(site.path(TAPES), 'T1')[1]?.kind, 'media-set label');
  });
}

test('with data behind it a damaged set label is an error that names the file', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup();
  await site.addSnapshot('vm/1', 2, ['b']);
  copyFileSync(site.tapeFile('T1', 0), site.tapeFile('T1', 1));
  const { outcome } = await site.backup();
  t.is(outcome.error?.kind, 'data');
  t.regex(outcome.error?.message ?? '', /tape file 1/);
});

test('data that was written but never committed is left behind, and the same chunks are written again', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a', 'b']);
  const [state] = await statesOf(site, [/^writing new media set label/]);
  if (!state?.[1]) return t.fail();
  const files = site.tapeFileCount('T1');
  putBack(site.installation.paths.statusDir, state[1]); // the tape has everything, the catalog nothing
  truncateSync(site.tapeFile('T1', files - 1), 1000);
  const { summary } = await site.backup();
  t.deepEqual([summary.written.length, summary.chunks], [1, 2]);
  t.is(site.tapeFileCount('T1'), files + 3);
  await site.addTarget('target');
  const restored = await site.restore({ mediaSet: summary.mediaSetUuid, store: 'target' });
  t.is(restored.outcome.status, 'OK');
  t.is(await site.verified('target'), 1);
});
