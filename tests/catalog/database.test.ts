/** The catalog database: derived from inventory and catalog files, brought up to date file by file, never the truth. */
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { listContent } from '../../ts/catalog/content.ts';
import { CatalogDatabase } from '../../ts/catalog/database.ts';
import type { CatalogProblem } from '../../ts/catalog/problem.ts';
import { ensureDirectory, type Installation } from '../../ts/config/installation.ts';
import { mediaContent } from '../../ts/index.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import { copyFixtureTo, fixtureTest, readFixture } from '../fixtures.ts';
import { temporaryInstallation } from '../temporary_installation.ts';

/** An installation with PBS's catalogs and inventory of three tapes. */
async function pbsInstallation(t: ExecutionContext): Promise<Installation> {
  const installation = temporaryInstallation(t);
  await ensureDirectory(installation, installation.paths.statusDir);
  copyFixtureTo(installation.paths.statusDir, 'small', 'lib-tape');
  return installation;
}

/** What a query finds, and the problems on the way. */
async function snapshotCount(
  installation: Installation,
): Promise<{ count: number; problems: readonly CatalogProblem[] }> {
  const { entries } = await new InventoryFile(installation).load();
  return CatalogDatabase.use(installation, entries, {}, (database) => {
    const [row] = database.query('SELECT count(*) AS count FROM snapshot');
    return { count: Number(row?.count), problems: database.problems };
  });
}

const cacheFile = (installation: Installation): string => join(installation.paths.cacheDir, 'catalog.sqlite');

fixtureTest('content is what PBS lists, with every filter', async (t) => {
  const installation = await pbsInstallation(t);
  const listed = readFixture<{ 'label-text': string; snapshot: string; uuid: string }[]>(
    'small',
    'content.listing.json',
  );
  const key = (entry: { 'label-text': string; snapshot: string }): string => `${entry['label-text']} ${entry.snapshot}`;
  const found = async (filter: Parameters<typeof mediaContent>[1]): Promise<string[]> =>
    (await mediaContent(installation, filter)).map(key).sort();
  const expected = (test: (entry: (typeof listed)[number]) => boolean): string[] => listed.filter(test).map(key).sort();
  t.deepEqual(
    await found({}),
    expected(() => true),
  );
  t.deepEqual(
    await found({ labelText: 'TAPE02' }),
    expected((entry) => entry['label-text'] === 'TAPE02'),
  );
  t.deepEqual(
    await found({ media: listed[0]?.uuid }),
    expected(({ uuid }) => uuid === listed[0]?.uuid),
  );
  t.deepEqual(
    await found({ backupType: 'ct' }),
    expected(({ snapshot }) => /(^|\/)ct\//.test(snapshot)),
  );
  t.deepEqual(
    await found({ backupType: 'vm', backupId: '100' }),
    expected(({ snapshot }) => /vm\/100\//.test(snapshot)),
  );
  t.deepEqual(
    await found({ pool: 'pool1', labelText: 'TAPE03' }),
    expected((entry) => entry['label-text'] === 'TAPE03'),
  );
  t.deepEqual(await found({ pool: 'nope' }), []);
  t.deepEqual(await found({ mediaSet: '00000000-0000-4000-8000-000000000000' }), []);
});

fixtureTest('only catalogs that changed are read again', async (t) => {
  const installation = await pbsInstallation(t);
  const { count } = await snapshotCount(installation);
  t.is(count, 11);
  const cached = readFileSync(cacheFile(installation));
  t.is((await snapshotCount(installation)).count, 11);
  t.deepEqual(readFileSync(cacheFile(installation)), cached, 'nothing changed, nothing written');

  const { entries } = await new InventoryFile(installation).load();
  const path = installation.paths.catalogFile(entries[0]?.label.uuid ?? '');
  const catalog = readFileSync(path);
  writeFileSync(path, catalog.subarray(0, 8 + 33 + 33)); // its labels alone
  const less = await snapshotCount(installation);
  t.true(less.count < 11);
  t.deepEqual(less.problems, []);
  writeFileSync(path, catalog);
  utimesSync(path, 1, 1);
  t.is((await snapshotCount(installation)).count, 11);
});

fixtureTest('a cache that is damaged, foreign or cannot be written is no more than slow', async (t) => {
  const installation = await pbsInstallation(t);
  await snapshotCount(installation);
  for (const content of ['', 'no database', readFileSync(cacheFile(installation)).subarray(0, 5000)]) {
    writeFileSync(cacheFile(installation), content);
    t.is((await snapshotCount(installation)).count, 11);
  }
  rmSync(installation.paths.cacheDir, { recursive: true });
  writeFileSync(installation.paths.cacheDir, 'in the way');
  t.is((await snapshotCount(installation)).count, 11);
});

fixtureTest('catalogs of tapes that are no longer in the inventory are forgotten', async (t) => {
  const installation = await pbsInstallation(t);
  await snapshotCount(installation);
  const file = new InventoryFile(installation);
  const [first] = (await file.load()).entries;
  await file.update((inventory) => inventory.without(first?.label.uuid ?? ''));
  t.true((await snapshotCount(installation)).count < 11);
  t.true(existsSync(installation.paths.catalogFile(first?.label.uuid ?? '')));
});

fixtureTest('problems are those of tapes with content, and only a question about them fails', async (t) => {
  const installation = await pbsInstallation(t);
  const { entries } = await new InventoryFile(installation).load();
  for (const entry of entries.filter(({ mediaSetLabel }) => !mediaSetLabel)) {
    rmSync(installation.paths.catalogFile(entry.label.uuid));
  }
  t.deepEqual((await snapshotCount(installation)).problems, [], 'tapes without set have no content');
  const tape = entries.find(({ label }) => label.labelText === 'TAPE02')?.label;
  rmSync(installation.paths.catalogFile(tape?.uuid ?? ''));
  const { problems } = await snapshotCount(installation);
  t.deepEqual(
    problems.map(({ labelText, state }) => [labelText, state]),
    [['TAPE02', 'missing']],
  );
  await CatalogDatabase.use(installation, entries, {}, (database) => {
    t.true(listContent(database, { labelText: 'TAPE01' }).length > 0);
    t.throws(() => listContent(database, { backupType: 'vm' }), {
      message: /'TAPE02'.*missing.*proxmox-tape catalog'/,
    });
  });
});
