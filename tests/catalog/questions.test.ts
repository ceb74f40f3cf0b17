/** Questions about files on tapes: real datastores, real backups to virtual tapes, real catalogs. */
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openCatalog } from '../../ts/catalog/open_catalog.ts';
import {
  catalogImpact,
  catalogStats,
  createDatastore,
  exportCatalog,
  importSnapshot,
  loadMedia,
  queryCatalog,
  restoreCatalog,
  searchCatalog,
} from '../../ts/index.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import { FIRST_BACKUP, Site } from '../jobs/site.ts';
import { RecordingObserver } from '../recording_observer.ts';

interface Files {
  [path: string]: string;
}

/** Imports a snapshot of a directory tree; `day` counts from FIRST_BACKUP. */
async function addTree(site: Site, day: number, files: Files): Promise<string> {
  const source = site.path(`tree-${day}`);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    writeFileSync(join(source, path), content);
    utimesSync(join(source, path), 1_700_000_000, 1_700_000_000);
  }
  const time = FIRST_BACKUP + day * 86_400;
  const request = { store: 'tank', group: 'host/www', time, archives: [`root.pxar:${source}`] };
  return (await importSnapshot(site.installation, request, new RecordingObserver())).snapshot;
}

/** For tests that only ask. */
let shared: Awaited<ReturnType<typeof siteWithFiles>>;
const cleanups: (() => void)[] = [];
test.before(async () => {
  const context = { teardown: (cleanup: () => void) => cleanups.push(cleanup) };
  shared = await siteWithFiles(context as unknown as ExecutionContext);
});
test.after.always(() => {
  for (const cleanup of cleanups) cleanup();
});

/** Two days of a server on one tape, and a second set that has the second day, too. */
async function siteWithFiles(t: ExecutionContext): Promise<{ site: Site; first: string; second: string }> {
  const site = await Site.make(t, { tapes: ['T1', 'T2', 'T3'] });
  await createDatastore(site.installation, { name: 'tank', path: site.path('tank') });
  const shared = { 'usr/share/readme.txt': 'read me', 'usr/share/doc/notes.md': 'notes' };
  const first = await addTree(site, 0, { ...shared, 'etc/passwd': 'root', 'etc/nginx/site.conf': 'a' });
  (await site.backup({ store: 'tank' })).summary;
  const second = await addTree(site, 1, { ...shared, 'etc/passwd': 'root and more', 'etc/<b>x</b>.conf': 'b' });
  (await site.backup({ store: 'tank' })).summary;
  return { site, first, second };
}

test('files are found on their tapes, with their paths in every snapshot', async (t) => {
  const { site, first, second } = shared;
  const search = async (text: string) =>
    (await searchCatalog(site.installation, { text }, new RecordingObserver())).map(
      ({ labelText, snapshot, path, kind }) =>
        `${labelText} ${snapshot === first ? 1 : snapshot === second ? 2 : '?'} ${kind} ${path}`,
    );
  t.deepEqual(await search('passwd'), ['T1 1 f root.pxar.didx/etc/passwd', 'T1 2 f root.pxar.didx/etc/passwd']);
  t.deepEqual(await search('README'), [
    'T1 2 f root.pxar.didx/usr/share/readme.txt',
    'T1 1 f root.pxar.didx/usr/share/readme.txt',
  ]);
  t.deepEqual((await search('*.conf')).sort(), [
    'T1 1 f root.pxar.didx/etc/nginx/site.conf',
    'T1 2 f root.pxar.didx/etc/<b>x</b>.conf',
  ]);
  t.deepEqual(await search('nginx/*'), ['T1 1 f root.pxar.didx/etc/nginx/site.conf']);
  t.deepEqual(await search('.conf'), await search('*.conf'));
  t.deepEqual(await search('nothing like that'), []);
  t.true(
    (await search('root.pxar')).some((line) => line.includes(' a root.pxar.didx')),
    'archives are found, too',
  );
  t.deepEqual(await search('100%'), []);
});

test('equal directories of two snapshots are stored once', async (t) => {
  const { site } = shared;
  const stats = await catalogStats(site.installation, {}, new RecordingObserver());
  t.is(stats.listedSnapshots, 2);
  t.is(stats.files, 8);
  const count = async (sql: string) => (await queryCatalog(site.installation, { sql }, new RecordingObserver())).rows;
  t.deepEqual(await count("SELECT count(*) FROM entry WHERE name = 'readme.txt'"), [[1]]);
  t.deepEqual(await count("SELECT count(*) FROM entry WHERE name = 'passwd'"), [[2]]);
});

test('lists of snapshots that were pruned from their datastore stay known, and those of forgotten tapes go', async (t) => {
  const { site } = await siteWithFiles(t);
  await catalogStats(site.installation, {}, new RecordingObserver());
  rmSync(site.path('tank', 'host'), { recursive: true });
  t.is((await catalogStats(site.installation, {}, new RecordingObserver())).listedSnapshots, 2);
  const { entries } = await site.inventory();
  for (const { label } of entries) rmSync(site.installation.paths.catalogFile(label.uuid), { force: true });
  t.is((await catalogStats(site.installation, {}, new RecordingObserver())).listedSnapshots, 2, 'it may come back');
  await new InventoryFile(site.installation).update((inventory) =>
    entries.reduce((rest, { label }) => rest.without(label.uuid), inventory),
  );
  const stats = await catalogStats(site.installation, {}, new RecordingObserver());
  t.deepEqual([stats.listedSnapshots, stats.directories, stats.entries], [0, 0, 0]);
});

test('an export answers without the server', async (t) => {
  const { site, first, second } = shared;
  const file = site.path('export.sqlite');
  const summary = await exportCatalog(site.installation, { file }, new RecordingObserver());
  t.deepEqual([summary.tapes, summary.snapshots], [3, 2]);
  const catalog = await openCatalog(file);
  t.teardown(() => catalog.close());
  t.deepEqual(
    catalog.pools().map(({ pool, tapes, snapshots }) => [pool, tapes, snapshots]),
    [['pool1', 3, 2]],
  );
  const [set] = catalog.mediaSets();
  t.is(set?.tapes, 1);
  t.deepEqual(
    catalog.snapshots().map(({ path, labelText, state }) => [path, labelText, state]),
    [
      [second, 'T1', 'listed'],
      [first, 'T1', 'listed'],
    ],
  );
  const root = catalog.snapshots({ text: second })[0]?.root ?? 0;
  const [archive] = catalog.directory(root).entries;
  t.like(archive, { name: 'root.pxar.didx', kind: 'd', files: 4 });
  t.deepEqual(
    catalog.directory(archive?.directory ?? 0).entries.map(({ name }) => name),
    ['etc', 'usr'],
  );
  const needs = catalog.neededTapes([{ mediaSetUuid: set?.uuid ?? '', store: 'tank', path: second }]);
  t.like(needs.tapes[0], { labelText: 'T1', certain: true, location: 'online-vdrive', slot: 1 });
  t.true((needs.tapes[0]?.bytes ?? 0) > 0);
  const files = catalog.tapeFiles(needs.tapes[0]?.mediaUuid ?? '');
  t.true(files.every(({ bytes }) => bytes !== undefined && bytes >= 262_144));
  t.deepEqual(
    files.filter(({ kind }) => kind === 'snapshot').map(({ snapshot }) => snapshot),
    [first, second],
  );
  t.throws(() => catalog.query('DELETE FROM media'), { code: 'bad-query' });
  t.throws(() => catalog.query('WITH x AS (SELECT 1) DELETE FROM media'), { code: 'bad-query', message: /readonly/ });
  t.throws(() => catalog.query('SELECT 1; DELETE FROM media'), { code: 'bad-query' });
  t.throws(() => catalog.query('PRAGMA query_only = OFF'), { code: 'bad-query' });
  t.throws(() => catalog.query('nonsense'), { code: 'bad-query' });
  t.is(catalog.tapes().length, 3);
});

test('part of the catalog is exported', async (t) => {
  const { site, second } = shared;
  const exported = async (scope: Parameters<typeof exportCatalog>[1]) => {
    await exportCatalog(site.installation, scope, new RecordingObserver());
    const catalog = await openCatalog(scope.file);
    t.teardown(() => catalog.close());
    return catalog;
  };
  const file = site.path('part.sqlite');
  const recent = await exported({ file, since: FIRST_BACKUP + 86_400 });
  t.deepEqual(
    recent.snapshots().map(({ path }) => path),
    [second],
  );
  t.deepEqual(recent.search('nginx').matches, [], 'what is not exported is not in the file');
  t.false(readFileSync(file).includes('site.conf'));
  t.is((await exported({ file, pool: 'other' })).tapes().length, 0);
});

test('what a tape holds alone is told, and what else holds it', async (t) => {
  const { site, second } = await siteWithFiles(t);
  const impact = (request: { file?: number } = {}) =>
    catalogImpact(site.installation, { labelText: 'T1', ...request }, new RecordingObserver());
  const whole = await impact();
  t.is(whole.snapshots.length, 2);
  t.is(whole.lost, 0, 'the datastore has them');
  t.deepEqual(whole.snapshots[0]?.datastores, ['tank']);
  t.is(whole.chunks?.lost, 0);
  t.is(whole.chunks?.datastores.find(({ name }) => name === 'tank')?.chunks, whole.chunks?.chunks);
  rmSync(site.path('tank', 'host'), { recursive: true });
  rmSync(site.path('tank', '.chunks'), { recursive: true });
  mkdirSync(site.path('tank', '.chunks'));
  const after = await impact();
  t.is(after.lost, 2);
  t.is(after.chunks?.lost, after.chunks?.chunks);
  const late = after.snapshots.find(({ path }) => path === second);
  t.is(late?.by, 'archive');
  // File 4 is the archive of the second backup's chunks: only the second snapshot needs it.
  const files = (
    await queryCatalog(
      site.installation,
      { sql: 'SELECT file_number FROM archive ORDER BY 1' },
      new RecordingObserver(),
    )
  ).rows;
  const last = await impact({ file: Number(files.at(-1)?.[0]) });
  t.deepEqual(
    last.snapshots.map(({ path, by }) => [path, by]),
    [[second, 'chunks']],
  );
});

test('a file that is something else is not overwritten', async (t) => {
  const { site } = shared;
  const file = site.path('thesis.txt');
  writeFileSync(file, 'the only copy');
  await t.throwsAsync(exportCatalog(site.installation, { file }, new RecordingObserver()), { code: 'exists' });
  t.is(readFileSync(file, 'utf8'), 'the only copy');
});

test('files of snapshots that no datastore has are listed from tape, over two tapes', async (t) => {
  const site = await Site.make(t, { tapes: ['T1', 'T2'] });
  await createDatastore(site.installation, { name: 'tank', path: site.path('tank') });
  // The list of files is the same on both days, so its chunk is on the first tape alone.
  const files = { 'etc/passwd': 'root', 'srv/data.bin': 'x' };
  await addTree(site, 0, files);
  (await site.backup({ store: 'tank' })).summary;
  const { entries } = await site.inventory();
  const used = entries.find(({ mediaSetLabel }) => mediaSetLabel);
  await updateInventoryStatus(site, used?.label.uuid ?? '');
  await addTree(site, 1, files);
  (await site.backup({ store: 'tank' })).summary;
  rmSync(site.path('tank', 'host'), { recursive: true });
  const found = async () =>
    (await searchCatalog(site.installation, { text: 'passwd' }, new RecordingObserver())).map(
      ({ labelText }) => labelText,
    );
  t.deepEqual(await found(), []);
  const scan = async (labelText: string) => {
    await loadMedia(site.installation, { labelText, drive: 'vdrive' }, new RecordingObserver());
    const observer = new RecordingObserver();
    const request = { drive: 'vdrive', scan: true, force: true, files: true };
    const { value, error } = await restoreCatalog(site.installation, request, observer);
    if (error) throw error;
    return { listed: value?.listed, log: observer.lines.join('\n') };
  };
  const second = await scan('T2');
  t.is(second.listed, 0);
  t.regex(second.log, /lie on other tapes, too: load 'T1'/);
  const first = await scan('T1');
  t.is(first.listed, 2, 'its own, and what waited for it');
  t.deepEqual((await found()).sort(), ['T1', 'T2']);
  t.false(existsSync(join(site.installation.paths.cacheDir, 'file-lists', used?.mediaSetLabel?.uuid ?? '', 'tank')));
  const catalog = await queryCatalog(
    site.installation,
    { sql: 'SELECT media.label_text FROM share JOIN media ON media.uuid = share.media_uuid GROUP BY 1 ORDER BY 1' },
    new RecordingObserver(),
  );
  t.true(catalog.rows.flat().includes('T1'));
  t.is((await scan('T1')).listed, 0, 'what is known is not read again');
});

/** A full tape: the next backup takes another one. */
async function updateInventoryStatus(site: Site, uuid: string): Promise<void> {
  await new InventoryFile(site.installation).update((inventory) => inventory.withStatus(uuid, 'full'));
}
