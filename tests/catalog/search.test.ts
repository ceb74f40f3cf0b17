/** Searches by name: what fits, in which order, and in which folders. */
import test, { type ExecutionContext } from 'ava';
import { Catalog } from '../../ts/catalog/catalog.ts';
import { sqlEngine } from '../../ts/catalog/engine.ts';
import { namePattern } from '../../ts/catalog/search.ts';
import { sampleCatalog, type Tree } from './sample_catalog.ts';

/** One tape with a snapshot of each tree: of host/h1, a day after the other. */
function bytesOf(...trees: Tree[]): Promise<Uint8Array> {
  const snapshots = trees.map((tree, day) => ({
    store: 'tank',
    path: `host/h1/2024-05-0${day + 1}T00:00:00Z`,
    tree: { 'root.pxar.didx': tree },
  }));
  return sampleCatalog([{ pool: 'p', name: 's', ctime: 1_717_000_000, tapes: [{ labelText: 'T1', snapshots }] }]);
}

async function catalogOf(t: ExecutionContext, ...trees: Tree[]): Promise<Catalog> {
  const catalog = Catalog.open(await sqlEngine(), await bytesOf(...trees));
  t.teardown(() => catalog.close());
  return catalog;
}

const names = (catalog: Catalog, text: string, limit?: number): string[] =>
  catalog.search(text, { limit }).matches.map(({ name }) => name);

test('a pattern is for whole names, text for parts of them; case counts for neither', async (t) => {
  const catalog = await catalogOf(t, {
    'a.conf': 1,
    'A.CONF.bak': 1,
    '*.conf.example': 1,
    '100%.txt': 1,
    under_score: 1,
    'brackets[1].txt': 1,
  });
  t.deepEqual(names(catalog, '*.conf').sort(), ['a.conf']);
  t.deepEqual(names(catalog, 'a.c*').sort(), ['A.CONF.bak', 'a.conf']);
  t.deepEqual(names(catalog, 'A.CONF').sort(), ['A.CONF.bak', 'a.conf']);
  t.deepEqual(names(catalog, '?.conf'), ['a.conf']);
  t.deepEqual(names(catalog, '**.conf'), ['a.conf']);
  t.deepEqual(names(catalog, '%'), ['100%.txt']);
  t.deepEqual(names(catalog, '_'), ['under_score']);
  t.deepEqual(names(catalog, '[1]'), ['brackets[1].txt']);
  t.deepEqual(names(catalog, '[b]*'), []);
  t.deepEqual(names(catalog, '   '), []);
  t.is(names(catalog, '*').length, 6, 'archives have their own list');
  t.throws(() => catalog.search('x'.repeat(100_000)), { code: 'bad-search' });
});

test('names that begin with the text come before those that contain it', async (t) => {
  const catalog = await catalogOf(t, { 'old-report': 1, 'report-2': 1, 'report-1': 1, 'a report': 1 });
  t.deepEqual(names(catalog, 'report', 3).slice(0, 2), ['report-1', 'report-2']);
  t.true(catalog.search('report', { limit: 3 }).more);
  t.false(catalog.search('report', { limit: 4 }).more);
});

test('a file in a folder is found behind thousands with its name elsewhere', async (t) => {
  const folders = Array.from({ length: 6000 }, (_, number) => [`folder-${number}`, { 'a.conf': number }] as const);
  const catalog = await catalogOf(t, { ...Object.fromEntries(folders), etc: { nginx: { 'a.conf': 1_000_000 } } });
  const { matches, more } = catalog.search('ETC/nginx/*.conf', { limit: 10 });
  t.deepEqual(
    matches.flatMap(({ places }) => places.map(({ path }) => path)),
    ['root.pxar.didx/etc/nginx/a.conf'],
  );
  t.false(more);
  t.is(catalog.search('c/nginx/a').matches.length, 1, 'the path contains it');
  t.is(catalog.search('nginx/').matches.length, 1, 'a slash at the end is for the name');
  t.is(catalog.search('e?c/n*x/a.conf').matches.length, 1, 'a pattern in the path');
  t.is(catalog.search('root.pxar.didx/*/nginx/').matches.length, 1);
  t.is(catalog.search('/etc/*/a.conf').matches.length, 1, 'as from the root of the archive');
  t.is(catalog.search('(etc|[/*').matches.length, 0);
  t.is(catalog.search('nowhere/a.conf').matches.length, 0);
});

test('places: every path in every snapshot, the newest snapshot first', async (t) => {
  const shared = { 'x.bin': 5 };
  const catalog = await catalogOf(t, { a: shared }, { a: shared, b: { c: shared } }, { a: { 'y.bin': 1 } });
  const [match] = catalog.search('x.bin').matches;
  t.deepEqual(
    match?.places.map(({ snapshot, path }) => `${snapshot.slice(8, 18)} ${path}`),
    ['2024-05-02 root.pxar.didx/a/x.bin', '2024-05-02 root.pxar.didx/b/c/x.bin', '2024-05-01 root.pxar.didx/a/x.bin'],
  );
  t.deepEqual(catalog.occurrences(match?.id ?? 0), match?.places);
  t.is(catalog.occurrences(match?.id ?? 0, 1).length, 1);
  t.deepEqual(catalog.occurrences(999_999), []);
});

test('a damaged catalog may hold a directory in itself', async (t) => {
  const engine = await sqlEngine();
  const database = new engine.Database(await bytesOf({ a: { b: { 'x.bin': 1 } } }));
  database.run(
    "INSERT INTO entry (directory, kind, name, child) SELECT directory, 'd', 'again', directory FROM entry WHERE name = 'x.bin'",
  );
  const catalog = Catalog.open(engine, database.export());
  t.teardown(() => catalog.close());
  t.is(catalog.search('x.bin').matches.length, 1);
});

test('patterns', (t) => {
  t.deepEqual(namePattern('a_b'), { like: '%a\\_b%', prefix: undefined });
  t.deepEqual(namePattern('a*'), { like: 'a%', prefix: 'a' });
  t.deepEqual(namePattern('*a'), { like: '%a', prefix: '' });
});
