/** Labels, erasing, reading and taking stock of the tapes of a virtual drive (behaviour.md 13, scenarios S-133 to S-144). */
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  createPool,
  ejectMedia,
  eraseMedia,
  labelMedia,
  listTapes,
  loadMedia,
  moveToEndOfData,
  readLabel,
  rewindMedia,
  scanTape,
  unloadMedia,
  updateInventory,
} from '../../ts/index.ts';
import type { ScannedFile } from '../../ts/native.ts';
import { Site } from '../jobs/site.ts';
import { RecordingObserver, settled } from '../recording_observer.ts';

const DRIVE = { drive: 'vdrive' };
const observer = (): RecordingObserver => new RecordingObserver();

async function load(site: Site, labelText: string): Promise<void> {
  await settled(loadMedia(site.installation, { ...DRIVE, labelText }, observer()));
}

const label = (site: Site, labelText: string, pool?: string) =>
  labelMedia(site.installation, { ...DRIVE, labelText, pool }, observer());

/** A blank tape in the drive. */
async function blank(t: ExecutionContext): Promise<Site> {
  const site = await Site.make(t, { tapes: [] });
  await load(site, 'NEW');
  return site;
}

// ------------------------------------------------------------ label

test('S-133, S-134: label, inventory entry and empty catalog; the pool stands in the label (D6)', async (t) => {
  const site = await blank(t);
  const made = await settled(label(site, 'NEW', 'pool1'));
  const facts = await readLabel(site.installation, DRIVE);
  t.is(facts.uuid, made.uuid);
  t.deepEqual([facts.labelText, facts.pool, facts.seqNr, facts.mediaSetCtime], ['NEW', 'pool1', 0, facts.ctime]);
  t.is(facts.mediaSetUuid, '00000000-0000-0000-0000-000000000000');
  t.is(site.tapeFileCount('NEW'), 1, 'no set label on the tape');
  const inventory = await site.inventory();
  t.is(inventory.getByLabel('NEW').label.pool, 'pool1');
  t.true(existsSync(site.catalogPath(inventory, 'NEW')));
});

test('S-135: a tape with a label or data is not labelled again, and nothing is written', async (t) => {
  const site = await blank(t);
  await settled(label(site, 'NEW'));
  const before = readFileSync(site.tapeFile('NEW', 0));
  const { error } = await label(site, 'OTHER');
  t.is(error?.code, 'not-blank');
  t.regex(error?.message ?? '', /labelled 'NEW'.*erase it first/);
  writeFileSync(site.tapeFile('NEW', 0), Buffer.alloc(262_144, 'foreign data'));
  t.is((await label(site, 'OTHER')).error?.code, 'not-blank');
  writeFileSync(site.tapeFile('NEW', 0), before);
  t.is((await readLabel(site.installation, DRIVE)).labelText, 'NEW');
});

test('S-136, S-137: unknown pools and known labels are refused before the drive is touched', async (t) => {
  const site = await blank(t);
  await t.throwsAsync(label(site, 'NEW', 'nope'), { code: 'unknown-pool' });
  await settled(label(site, 'NEW'));
  await load(site, 'SECOND');
  await t.throwsAsync(label(site, 'NEW'), { code: 'label-exists' });
  t.is(site.tapeFileCount('SECOND'), 0);
});

test('a label that was written but not entered, because its writer was killed, is entered by the same command', async (t) => {
  const site = await blank(t);
  const made = await settled(label(site, 'NEW', 'pool1'));
  rmSync(site.installation.paths.inventoryFile);
  rmSync(site.installation.paths.catalogFile(made.uuid));
  t.is((await label(site, 'NEW')).error?.code, 'not-blank', 'for another pool it is another label');
  const again = await settled(label(site, 'NEW', 'pool1'));
  t.deepEqual(again, made);
  t.is((await site.inventory()).getByLabel('NEW').label.uuid, made.uuid);
  t.true(existsSync(site.installation.paths.catalogFile(made.uuid)));
});

test('a label whose writer was killed in the middle of it is written anew', async (t) => {
  for (const length of [0, 100_000]) {
    const site = await blank(t);
    const made = await settled(label(site, 'NEW'));
    rmSync(site.installation.paths.inventoryFile);
    truncateSync(site.tapeFile('NEW', 0), length);
    t.not((await settled(label(site, 'NEW'))).uuid, made.uuid);
  }
});

test('with data behind it a label is never completed', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup();
  rmSync(site.installation.paths.inventoryFile);
  t.is((await label(site, 'T1', 'pool1')).error?.code, 'not-blank');
});

// ------------------------------------------------------------ erase

test('S-138: an erased tape is forgotten, its catalog too, and blank', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup();
  const path = site.catalogPath(await site.inventory(), 'T1');
  await settled(eraseMedia(site.installation, DRIVE, observer()));
  t.deepEqual((await site.inventory()).entries, []);
  t.false(existsSync(path));
  t.is(site.tapeFileCount('T1'), 0);
  await settled(label(site, 'T1'));
});

test('S-141 a tape of another label than expected is refused before anything is removed', async (t) => {
  const site = await blank(t);
  const erase = async (request: { labelText?: string; barcode?: string }) =>
    (await eraseMedia(site.installation, { ...DRIVE, ...request }, observer())).error;
  t.regex((await erase({ labelText: 'NEW' }))?.message ?? '', /is blank, not 'NEW'/);
  await settled(label(site, 'NEW'));
  const error = await erase({ labelText: 'T2' });
  t.is(error?.code, 'I3');
  t.regex(error?.message ?? '', /the tape in drive 'vdrive' is 'NEW', not 'T2': it is left as it is/);
  const inventory = await site.inventory();
  t.true(existsSync(site.catalogPath(inventory, 'NEW')));
  t.is(site.tapeFileCount('NEW'), 1);
  const before = readFileSync(site.tapeFile('NEW', 0));
  writeFileSync(site.tapeFile('NEW', 0), 'foreign');
  t.is((await erase({ labelText: 'NEW' }))?.kind, 'data', 'what cannot be read is not known to be it');
  writeFileSync(site.tapeFile('NEW', 0), before);
  await load(site, 'OTHER');
  t.is(await erase({ barcode: 'NEW', labelText: 'NEW' }), undefined);
  t.deepEqual([site.loaded(), site.tapeFileCount('NEW')], ['NEW', 0]);
  t.deepEqual((await site.inventory()).entries, []);
});

test('S-139, S-140: blank and unreadable tapes are erased as well', async (t) => {
  const site = await blank(t);
  await settled(eraseMedia(site.installation, DRIVE, observer()));
  await settled(label(site, 'NEW'));
  writeFileSync(site.tapeFile('NEW', 0), Buffer.alloc(262_144, 'foreign data'));
  await settled(eraseMedia(site.installation, { ...DRIVE, fast: false }, observer()));
  t.is(site.tapeFileCount('NEW'), 0);
  await settled(eraseMedia(site.installation, DRIVE, observer()));
});

// ------------------------------------------------------------ reading

test('S-142, S-143: a blank tape has no label, foreign data none that is understood', async (t) => {
  const site = await blank(t);
  await t.throwsAsync(readLabel(site.installation, DRIVE), { code: 'no-label', message: /'vdrive'/ });
  await settled(label(site, 'NEW'));
  writeFileSync(site.tapeFile('NEW', 0), Buffer.alloc(262_144, 'foreign data'));
  await t.throwsAsync(readLabel(site.installation, DRIVE), { message: /tape file 0/ });
});

test('without a tape in the drive every command that needs one says so', async (t) => {
  const site = await Site.make(t);
  await settled(unloadMedia(site.installation, DRIVE, observer()));
  await t.throwsAsync(readLabel(site.installation, DRIVE), { message: /no medium|no tape/i });
  t.regex((await rewindMedia(site.installation, DRIVE, observer())).error?.message ?? '', /no medium|no tape/i);
  await settled(ejectMedia(site.installation, DRIVE, observer()));
});

test('S-150 read-label enters a tape when it is asked to, and removes a catalog of an earlier set', async (t) => {
  const site = await Site.make(t, { pool: { allocation: 'always', retention: 'overwrite' } });
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup();
  const path = site.catalogPath(await site.inventory(), 'T1');
  const old = readFileSync(path);
  await site.backup();
  writeFileSync(path, old);
  rmSync(site.installation.paths.inventoryFile);
  await readLabel(site.installation, DRIVE);
  t.deepEqual((await site.inventory()).entries, [], 'not asked to');
  const facts = await readLabel(site.installation, { ...DRIVE, inventorize: true });
  t.is((await site.inventory()).getByLabel('T1').mediaSetLabel?.uuid, facts.mediaSetUuid);
  t.false(existsSync(path));
});

test('eod and scan tell what lies on a tape', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup();
  t.is(await moveToEndOfData(site.installation, DRIVE), 5);
  const files: ScannedFile[] = [];
  await scanTape(site.installation, DRIVE, (file) => files.push(file));
  t.is(files.length, 5);
  t.true(files.every(({ hasEndMarker, incomplete, note }) => hasEndMarker && !incomplete && note === undefined));
});

// ------------------------------------------------------------ taking stock

test('unknown tapes are read and entered; blank, foreign and mislabelled ones are told and left out', async (t) => {
  const site = await Site.make(t, { tapes: ['T1', 'T2', 'T3'] });
  await load(site, 'BLANK');
  writeFileSync(site.path('tapes-vdrive/tape-CLN01.json'), '{"files": 0}');
  const first = readFileSync(site.tapeFile('T1', 0));
  writeFileSync(site.tapeFile('T2', 0), first);
  writeFileSync(site.tapeFile('T3', 0), Buffer.alloc(262_144, 'foreign data'));
  rmSync(site.installation.paths.inventoryFile);
  const watcher = observer();
  await settled(updateInventory(site.installation, { ...DRIVE, all: false }, watcher));
  t.deepEqual(
    (await site.inventory()).entries.map((entry) => entry.label.labelText),
    ['T1'],
  );
  t.true(watcher.lines.includes("media 'BLANK' is empty"));
  t.true(watcher.warnings.some((line) => /mismatch: tape 'T2' says it is 'T1'/.test(line)));
  t.true(watcher.warnings.some((line) => /'T3'.*tape file 0/.test(line)));
  const listed = await listTapes(site.installation, DRIVE, observer());
  t.deepEqual(
    listed.filter(({ uuid }) => uuid !== null).map(({ labelText }) => labelText),
    ['T1'],
  );
  t.is(site.loaded(), undefined, 'unloaded at the end');
});

test('known tapes are read again only when all are asked for', async (t) => {
  const site = await Site.make(t, { tapes: ['T1'] });
  const known = observer();
  await settled(updateInventory(site.installation, { ...DRIVE, all: false }, known));
  t.true(known.lines.includes("media 'T1' already inventoried"));
  const all = observer();
  await settled(updateInventory(site.installation, { ...DRIVE, all: true }, all));
  t.true(all.lines.some((line) => line.startsWith("inventorize media 'T1'")));
  t.is((await site.inventory()).getByLabel('T1').location, 'online-vdrive');
});

test('a tape that is gone from the drive directory is offline, and found again', async (t) => {
  const site = await Site.make(t);
  await createPool(site.installation, { name: 'pool2' });
  const path = site.path('tapes-vdrive/tape-T1.json');
  const index = readFileSync(path);
  await listTapes(site.installation, DRIVE, observer());
  t.is((await site.inventory()).getByLabel('T1').location, 'online-vdrive');
  rmSync(path);
  await listTapes(site.installation, DRIVE, observer());
  t.is((await site.inventory()).getByLabel('T1').location, 'offline');
  writeFileSync(path, index);
  await listTapes(site.installation, DRIVE, observer());
  t.is((await site.inventory()).getByLabel('T1').location, 'online-vdrive');
});
