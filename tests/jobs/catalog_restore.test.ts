/** Catalogs that are lost, torn, damaged or about something else: what jobs say, and how they come back from the tapes. */
import { appendFileSync, copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  type CatalogParameters,
  type CatalogSummary,
  loadMedia,
  mediaContent,
  restoreCatalog,
} from '../../ts/index.ts';
import type { TaskOutcome } from '../../ts/log.ts';
import { mediaSetLockPath, poolLockPath } from '../../ts/media/media_locks.ts';
import { RecordingObserver, settled } from '../recording_observer.ts';
import { isLocked, Site } from './site.ts';

/** A set over three tapes; the last has room. */
async function threeTapes(t: ExecutionContext): Promise<Site> {
  const site = await Site.make(t, { tapeBlocks: 8, tapes: ['T1', 'T2', 'T3', 'T4'] });
  for (const day of [1, 2, 3])
    await site.addSnapshot(
      'vm/1',
      day,
      ['a', 'b', 'c', 'd'].map((name) => `${name}${day}`),
    );
  const { media } = (await site.backup()).summary;
  t.deepEqual(
    media.map(({ labelText }) => labelText),
    ['T1', 'T2', 'T3'],
  );
  return site;
}

async function load(site: Site, labelText: string): Promise<void> {
  await settled(loadMedia(site.installation, { labelText, drive: 'vdrive' }, new RecordingObserver()));
}

function catalog(
  site: Site,
  parameters: CatalogParameters = {},
  observer = new RecordingObserver(),
): Promise<TaskOutcome<CatalogSummary>> {
  return restoreCatalog(site.installation, { drive: 'vdrive', ...parameters }, observer);
}

test('a lost catalog of the current set stops a backup: tape, file and command are named; then it goes on', async (t) => {
  const site = await threeTapes(t);
  const path = site.catalogPath(await site.inventory(), 'T2');
  const before = readFileSync(path);
  rmSync(path);
  await site.addSnapshot('vm/1', 4, ['a4']);
  const { outcome } = await site.backup();
  t.is(outcome.error?.code, 'catalog-unusable');
  t.is(
    outcome.error?.message,
    `the catalog of tape 'T2' (${path}) is missing: load the tape and run 'proxmox-tape catalog'`,
  );
  await load(site, 'T2');
  const summary = await settled(catalog(site));
  t.is(summary.source, 'scan', 'S-147: of a tape that was filled the copy is on the next');
  t.deepEqual(readFileSync(path), before);
  t.is((await site.backup()).summary.written.length, 1);
});

test('a lost catalog comes back from the copy on a later tape', async (t) => {
  const site = await threeTapes(t);
  const inventory = await site.inventory();
  const before = ['T1', 'T2', 'T3'].map((label) => readFileSync(site.catalogPath(inventory, label)));
  for (const label of ['T1', 'T2', 'T3']) rmSync(site.catalogPath(inventory, label));
  await load(site, 'T3');
  const summary = await settled(catalog(site));
  t.is(summary.source, 'copy');
  t.is(summary.restored.length, 3);
  t.deepEqual(
    ['T1', 'T2', 'T3'].map((label) => readFileSync(site.catalogPath(inventory, label))),
    before,
  );
});

for (const [where, cut] of [
  ['within a record', 20],
  ['between two records of an archive', 33 + 25],
] as const) {
  test(`a catalog whose last commit was killed (${where}) is cut back, told, and the data written again`, async (t) => {
    const site = await Site.make(t);
    await site.addSnapshot('vm/1', 1, ['a']);
    await site.backup();
    await site.addSnapshot('vm/1', 2, ['b', 'c']);
    const path = site.catalogPath(await site.inventory(), 'T1');
    const safe = readFileSync(path);
    await site.backup();
    const whole = readFileSync(path);
    // Records behind what was safe: start of archive (39 bytes), two chunks (33 each), end (25), snapshot.
    const torn = safe.length + 39 + (cut === 20 ? 33 + cut : 66);
    t.true(torn < whole.length);
    truncateSync(path, torn);
    const { summary, observer } = await site.backup();
    t.deepEqual([summary.written.length, summary.skipped, summary.chunks], [1, 1, 2]);
    t.true(observer.warnings.some((line) => line.includes(path) && line.includes('cut off')));
    t.is((await mediaContent(site.installation, {})).length, 2);
    await site.addTarget('target');
    await site.restore({ mediaSet: summary.mediaSetUuid, store: 'target' });
    t.is(await site.verified('target'), 2);
  });
}

test('a torn catalog of an earlier tape of the set is cut back as well', async (t) => {
  const site = await threeTapes(t);
  const path = site.catalogPath(await site.inventory(), 'T1');
  const whole = readFileSync(path);
  appendFileSync(path, Buffer.from('A torn record'));
  await site.addSnapshot('vm/1', 4, ['a4']);
  const { summary, observer } = await site.backup();
  t.is(summary.written.length, 1);
  t.is(observer.warnings.length, 1);
  t.deepEqual(readFileSync(path), whole);
});

test('a catalog that is damaged otherwise is not touched: `catalog --force` replaces it', async (t) => {
  const site = await threeTapes(t);
  const path = site.catalogPath(await site.inventory(), 'T3');
  const whole = readFileSync(path);
  const damaged = Buffer.from(whole);
  damaged.write('X', 8 + 33 + 33);
  writeFileSync(path, damaged);
  await site.addSnapshot('vm/1', 4, ['a4']);
  const { outcome } = await site.backup();
  t.is(outcome.error?.code, 'catalog-unusable');
  t.regex(
    outcome.error?.message ?? '',
    /^the catalog of tape 'T3' cannot be used: .*\.log: .*at byte \d+.*\(catalog --force\)/,
  );
  t.deepEqual(readFileSync(path), damaged);
  await t.throwsAsync(mediaContent(site.installation, {}), { message: /T3.*catalog --force/ });

  t.is((await catalog(site)).error?.code, 'K4', 'S-145');
  await settled(catalog(site, { force: true }));
  t.deepEqual(readFileSync(path), whole);
  t.is((await site.backup()).summary.written.length, 1);
});

test('a catalog of another tape under this name is told', async (t) => {
  const site = await threeTapes(t);
  const inventory = await site.inventory();
  copyFileSync(site.catalogPath(inventory, 'T1'), site.catalogPath(inventory, 'T2'));
  await t.throwsAsync(mediaContent(site.installation, { labelText: 'T2' }), { message: /'T2'.*about another tape/ });
  writeFileSync(site.catalogPath(inventory, 'T2'), '');
  await t.throwsAsync(mediaContent(site.installation, { labelText: 'T2' }), { message: /'T2'.* is empty/ });
  t.is((await mediaContent(site.installation, { labelText: 'T1' })).length, 1, 'other tapes are answered for');
});

test('S-146, S-148: copies are used if there are some, unless a scan is asked for', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a', 'b']);
  await site.backup();
  const path = site.catalogPath(await site.inventory(), 'T1');
  const before = readFileSync(path);
  rmSync(path);
  t.is((await settled(catalog(site))).source, 'copy');
  t.deepEqual(readFileSync(path), before);
  const observer = new RecordingObserver();
  t.is((await settled(catalog(site, { force: true, scan: true, verbose: true }, observer))).source, 'scan');
  t.deepEqual(readFileSync(path), before);
  t.is(observer.lines.filter((line) => line.startsWith('found chunk: ')).length, 2);
});

test('S-149: a tape without set is entered, and a catalog file of it removed', async (t) => {
  const site = await Site.make(t);
  const path = site.catalogPath(await site.inventory(), 'T1');
  t.true(existsSync(path));
  rmSync(site.installation.paths.inventoryFile);
  const summary = await settled(catalog(site));
  t.is(summary.source, 'none');
  t.false(existsSync(path));
  t.is((await site.inventory()).entries.length, 1);
});

test('S-150: a catalog of an earlier set of the tape needs no force', async (t) => {
  const site = await Site.make(t, { pool: { allocation: 'always', retention: 'overwrite' } });
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup();
  const path = site.catalogPath(await site.inventory(), 'T1');
  const old = readFileSync(path);
  await site.backup();
  writeFileSync(path, old);
  const { restored } = await settled(catalog(site));
  t.is(restored.length, 1);
  t.notDeepEqual(readFileSync(path), old);
});

test('a blank tape has no catalog', async (t) => {
  const site = await Site.make(t);
  await load(site, 'BLANK');
  const { error } = await catalog(site);
  t.is(error?.code, 'no-label');
});

test('an interrupted scan leaves the old catalog', async (t) => {
  const site = await threeTapes(t);
  const path = site.catalogPath(await site.inventory(), 'T3');
  const before = readFileSync(path);
  const observer = new RecordingObserver();
  observer.when(/^found media label/, () => observer.abort.abort());
  const { error } = await catalog(site, { force: true, scan: true }, observer);
  t.is(error?.kind, 'aborted');
  t.deepEqual(readFileSync(path), before);
  await settled(catalog(site, { force: true, scan: true }));
  t.deepEqual(readFileSync(path), before);
});

test('while a tape is read its set is locked and its pool is not', async (t) => {
  const site = await threeTapes(t);
  const inventory = await site.inventory();
  rmSync(site.catalogPath(inventory, 'T1'));
  await load(site, 'T1');
  const set = inventory.getByLabel('T1').mediaSetLabel?.uuid ?? '';
  const locks = [mediaSetLockPath, poolLockPath].map((path, number) =>
    path(site.installation.paths.statusDir, number === 0 ? set : 'pool1'),
  );
  const found: boolean[][] = [];
  const observer = new RecordingObserver();
  observer.when(/reading the whole tape$/, () => found.push(locks.map(isLocked)));
  await settled(catalog(site, {}, observer));
  t.deepEqual(found, [[true, false]]);
});

const BLOCK = 262_144;

for (const [what, message, damage] of [
  [
    'a flipped bit in a chunk',
    /^tape 'T1': tape file 2 \(block 1\)/,
    (bytes: Buffer) => bytes.fill('!', BLOCK + 500, BLOCK + 501),
  ],
  [
    'garbage in place of a block',
    /^tape 'T1': tape file 2.*block 1/,
    (bytes: Buffer) => bytes.fill('!', BLOCK, BLOCK + 99),
  ],
  [
    'a block twice',
    /^tape 'T1': tape file 2: blocks out of sequence/,
    (bytes: Buffer) => bytes.copy(bytes, BLOCK, 0, BLOCK),
  ],
] as const) {
  test(`${what} stops a scan: tape, file and block are named, and the old catalog stays`, async (t) => {
    const site = await Site.make(t);
    await site.addSnapshot('vm/1', 1, ['a', 'b']);
    await site.backup();
    const path = site.catalogPath(await site.inventory(), 'T1');
    const before = readFileSync(path);
    const bytes = readFileSync(site.tapeFile('T1', 2));
    damage(bytes);
    writeFileSync(site.tapeFile('T1', 2), bytes);
    const { error } = await catalog(site, { force: true, scan: true });
    t.is(error?.kind, 'data');
    t.regex(error?.message ?? '', message);
    t.deepEqual(readFileSync(path), before);
  });
}

test('a missing tape file, and an index that is garbage, stop a scan and are named', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a', 'b']);
  await site.backup();
  const file = readFileSync(site.tapeFile('T1', 2));
  rmSync(site.tapeFile('T1', 2));
  const missing = await catalog(site, { force: true, scan: true });
  t.true(missing.error?.message.includes(site.tapeFile('T1', 2)), missing.error?.message);
  writeFileSync(site.tapeFile('T1', 2), file);
  const index = site.path('tapes-vdrive/tape-T1.json');
  writeFileSync(index, '[[[');
  const garbage = await catalog(site, { force: true, scan: true });
  t.true(garbage.error?.message.includes(index), garbage.error?.message);
  const status = site.path('tapes-vdrive/drive-status.json');
  writeFileSync(index, '{"files": 5}');
  writeFileSync(status, 'null and void');
  const lost = await catalog(site, { force: true, scan: true });
  t.true(lost.error?.message.includes(status), lost.error?.message);
  await load(site, 'T1');
  t.is((await catalog(site, { force: true, scan: true })).error, undefined, 'loading a tape makes a new status');
});

test('a scan steps over what a killed job left: warned of, and not in the catalog', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup();
  await site.addSnapshot('vm/1', 2, ['b']);
  await site.backup();
  truncateSync(site.tapeFile('T1', 5), 262_144 + 77);
  const observer = new RecordingObserver();
  await settled(catalog(site, { force: true, scan: true }, observer));
  t.true(observer.warnings.length > 0);
  t.is((await mediaContent(site.installation, {})).length, 2);
});
