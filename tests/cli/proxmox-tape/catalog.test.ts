/** Questions about tapes by commands, over what PBS wrote: catalogs, databases and files of all kinds that are damaged. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import initSqlJs from 'sql.js';
import { openCatalog } from '../../../ts/catalog/open_catalog.ts';
import { copyFixtureTo, fixturePath, fixtureTest } from '../../fixtures.ts';
import { memoryDirectory } from '../../temporary_installation.ts';
import { proxmoxTape } from '../run.ts';
import { Sandbox } from './sandbox.ts';

const SET = 'a2b6f668-365c-40ab-8296-8d3fb22ab8b4';
const TAPE01 = '1771f8cf-12a5-4246-8060-07987acf85b8';
const TAPE02 = '51253858-16d3-4976-a190-a1d6b37faef4';
const DEEP = 'root.pxar.didx/sub/deep';
const LIST = {
  format: 'ferrite-restore-list',
  version: 1,
  'media-set': SET,
  snapshots: ['store1:host/web1/2024-06-05T09:34:20Z'],
};

/** PBS's datastore, tapes and catalogs. */
async function pbsSite(t: ExecutionContext): Promise<Sandbox> {
  const box = new Sandbox(memoryDirectory(t));
  mkdirSync(box.paths.statusDir, { recursive: true });
  copyFixtureTo(box.paths.statusDir, 'small', 'lib-tape');
  for (const folder of ['store1', 'tapes']) copyFixtureTo(join(box.root, folder), 'small', folder);
  await box.ok(t, `datastore create store1 ${box.root}/store1`);
  await box.ok(t, `drive create vdrive --type virtual --path ${box.root}/tapes --max-size 5242880`);
  await box.ok(t, 'pool create pool1');
  writeFileSync(join(box.root, 'list.json'), JSON.stringify(LIST));
  return box;
}

interface Found {
  snapshot: string;
  path: string;
}

async function search(t: ExecutionContext, box: Sandbox, text: string, ...options: string[]) {
  const { code, stdout, stderr } = await box.runWords([
    'catalog',
    'search',
    text,
    '--output-format',
    'json',
    ...options,
  ]);
  t.is(code, 0, stderr);
  return { found: JSON.parse(stdout) as Found[], stderr };
}

const DAMAGES: [string, (file: string, other: string) => void, RegExp][] = [
  ['missing', (file) => rmSync(file), /is missing: load the tape and run 'proxmox-tape catalog'/],
  ['empty', (file) => writeFileSync(file, ''), /is empty: load the tape and run 'proxmox-tape catalog --force'/],
  ['cut', (file) => truncateSync(file, 300), /torn: .*\(catalog --force\)/],
  ['no catalog', (file) => writeFileSync(file, 'Dear Sir'), /no media catalog: .*\(catalog --force\)/],
  ['flipped', (file) => overwrite(file, 8, 'Z'), /damaged at byte 8: .*\(catalog --force\)/],
  ['of another version', (file) => overwrite(file, 7, '!'), /no media catalog: .*\(catalog --force\)/],
  ['of another tape', (file, other) => writeFileSync(file, readFileSync(other)), /about another tape.*catalog --force/],
];

function overwrite(file: string, at: number, text: string): void {
  const bytes = readFileSync(file);
  bytes.write(text, at);
  writeFileSync(file, bytes);
}

for (const [what, damage, message] of DAMAGES) {
  fixtureTest(`a media catalog that is ${what}: what needs it fails, everything else warns`, async (t) => {
    const box = await pbsSite(t);
    const file = box.paths.catalogFile(TAPE01);
    damage(file, box.paths.catalogFile(TAPE02));
    for (const command of [
      'media content',
      'catalog impact TAPE01',
      'catalog impact TAPE03',
      `restore ${SET} store1 --list ${box.root}/list.json --dry-run`,
    ]) {
      const { code, stdout, stderr } = await box.run(command);
      const error = stderr.split('\n').find((line) => line.startsWith('Error: ')) ?? stderr;
      t.deepEqual([code, stdout], [255, ''], command);
      t.regex(error, message, command);
      t.true(error.includes('TAPE01') && error.includes(file), `${command}: ${error}`);
    }
    t.is((await box.run('media content --label-text TAPE02')).code, 0, 'a question about other tapes');
    t.is((await box.run('media list')).code, 0);
    const { found, stderr } = await search(t, box, 'deep');
    t.deepEqual(found, []);
    t.regex(stderr, message);
    const exported = join(box.root, 'export.sqlite');
    t.regex((await box.run(`catalog export ${exported}`)).stderr, message);
    const catalog = await openCatalog(exported);
    t.regex(catalog.tapes().find(({ uuid }) => uuid === TAPE01)?.catalogProblem ?? '', message);
    catalog.close();
  });
}

fixtureTest('a catalog of a tape that is not in the inventory is named', async (t) => {
  const box = await pbsSite(t);
  const stranger = box.paths.catalogFile('00000000-0000-4000-8000-000000000001');
  writeFileSync(stranger, 'whatever');
  for (const command of ['stats', 'query SELECT(1)', 'search deep', 'impact TAPE01']) {
    const { code, stderr } = await box.run(`catalog ${command}`);
    t.is(code, 0, command);
    t.true(stderr.includes(`${stranger}: this catalog is of a tape that is not in the inventory`), stderr);
  }
});

type Engine = Awaited<ReturnType<typeof initSqlJs>>;

/** Databases that are none, by what they are. */
function spoiled(bytes: Buffer, engine: Engine): [string, Buffer, RegExp][] {
  const flipped = Buffer.from(bytes);
  for (let at = 4096; at < flipped.length; at += 977) flipped[at] = 0x5a;
  const tables = Buffer.from(bytes);
  tables.write('CREATE TABLX', tables.indexOf('CREATE TABLE'));
  const newer = Buffer.from(bytes);
  newer.writeUInt32BE(99, 60); // user_version
  const foreign = new engine.Database();
  foreign.run('CREATE TABLE media (uuid TEXT)');
  return [
    ['text', Buffer.from('Dear Sir'), /no SQLite file/],
    ['cut', bytes.subarray(0, 20_000), /damaged/],
    ['flipped', flipped, /damaged/],
    ['without its tables', tables, /damaged/],
    ['foreign', Buffer.from(foreign.export()), /no catalog of Ferrite/],
    ['newer', newer, /newer Ferrite \(schema 99/],
  ];
}

fixtureTest('the kept database, spoiled: it is set aside and built again; that of a newer version stays', async (t) => {
  const box = await pbsSite(t);
  const before = await search(t, box, 'deep');
  t.is(before.stderr, '');
  const file = join(box.root, 'var/cache/ferrite/catalog-files.sqlite');
  for (const [what, bytes, message] of spoiled(readFileSync(file), await initSqlJs())) {
    writeFileSync(file, bytes);
    const { found, stderr } = await search(t, box, 'deep');
    t.deepEqual(found, before.found, what);
    t.true(stderr.includes(file), stderr);
    t.regex(stderr, message);
    if (what === 'newer') {
      t.deepEqual(readFileSync(file), bytes, 'left alone');
    } else {
      t.regex(stderr, /is now catalog-files\.sqlite\.damaged.*proxmox-tape catalog --files/);
      t.deepEqual(readFileSync(`${file}.damaged`), bytes);
      t.is((await search(t, box, 'deep')).stderr, '', 'once');
    }
    t.is((await box.run('media content')).code, 0);
  }
});

fixtureTest('catalog page --embed takes what can be opened, whole', async (t) => {
  const box = await pbsSite(t);
  const exported = join(box.root, 'export.sqlite');
  await box.ok(t, `catalog export ${exported}`);
  const page = join(box.root, 'page.html');
  for (const [what, bytes, message] of spoiled(readFileSync(exported), await initSqlJs())) {
    const file = join(box.root, 'spoiled.sqlite');
    writeFileSync(file, bytes);
    const error = await box.fails(t, `catalog page ${page} --embed ${file}`);
    t.regex(error, message, what);
    t.true(error.includes(file), error);
  }
  t.regex(await box.fails(t, `catalog page ${page} --embed ${box.root}/none.sqlite`), /none\.sqlite/);
  t.regex(await box.fails(t, `catalog page ${page} --embed ${box.root}`), /EISDIR/);
  t.false(existsSync(page), 'no half page');
  const thesis = join(box.root, 'thesis.txt');
  writeFileSync(thesis, 'the only copy');
  t.regex(await box.fails(t, `catalog page ${thesis}`), /thesis\.txt: it exists and is no page: choose another name/);
  await box.ok(t, `catalog page ${page} --embed ${exported}`);
  await box.ok(t, `catalog page ${page}`);
});

fixtureTest('an export replaces exports, and nothing else', async (t) => {
  const box = await pbsSite(t);
  const thesis = join(box.root, 'thesis.txt');
  writeFileSync(thesis, 'the only copy');
  t.regex(await box.fails(t, `catalog export ${thesis}`), /thesis\.txt exists and is no export of a catalog: choose/);
  t.regex(await box.fails(t, `catalog export ${box.root}`), /exists and is no export/);
  t.regex(await box.fails(t, `catalog export ${thesis}/x`), /thesis\.txt\/x/);
  t.is(readFileSync(thesis, 'utf8'), 'the only copy');
  const engine = await initSqlJs();
  const foreign = new engine.Database();
  foreign.run('CREATE TABLE photos (name TEXT)');
  const photos = join(box.root, 'photos.sqlite');
  writeFileSync(photos, foreign.export());
  t.regex(await box.fails(t, `catalog export ${photos}`), /photos\.sqlite exists and is no export/);
  await box.ok(t, `catalog export ${box.root}/export.sqlite`);
  await box.ok(t, `catalog export ${box.root}/export.sqlite`);
  t.regex(await box.fails(t, 'catalog impact TAPE99'), /TAPE99/);
});

fixtureTest('a query reads, one at a time', async (t) => {
  const box = await pbsSite(t);
  const refused = async (sql: string): Promise<string> => {
    const { code, stdout, stderr } = await box.runWords(['catalog', 'query', sql]);
    t.deepEqual([code, stdout], [255, ''], sql);
    return stderr.split('\n')[0] ?? '';
  };
  for (const sql of [
    'DELETE FROM media',
    'PRAGMA query_only = OFF',
    'ATTACH "x" AS y',
    'VACUUM',
    '/* x */ DROP TABLE media',
  ]) {
    t.regex(await refused(sql), /only queries are possible here/);
  }
  t.regex(await refused('WITH x AS (SELECT 1) DELETE FROM media'), /readonly/);
  t.regex(await refused('SELECT 1; SELECT 2'), /one query at a time/);
  t.regex(await refused('SELECT 1; DELETE FROM media'), /one query at a time/);
  t.regex(await refused('SELECT colour FROM media'), /no such column: colour/);
  t.regex(await refused('SELECT 1 FROM'), /incomplete input/);
  const answer = await box.runWords([
    'catalog',
    'query',
    '/* one */ SELECT 1 AS n; -- and no more',
    '--output-format',
    'json',
  ]);
  t.deepEqual([answer.code, answer.stdout, answer.stderr], [0, '[{"n":1}]\n', '']);
});

fixtureTest('files that a client encrypted are listed with its key alone', async (t) => {
  const box = await pbsSite(t);
  const encrypted = async (...options: string[]) => {
    const { found, stderr } = await search(t, box, 'deep', ...options);
    return { count: found.filter(({ snapshot }) => snapshot.includes('/enc1/')).length, stderr };
  };
  t.deepEqual(await encrypted(), { count: 0, stderr: '' });
  const other = { ...JSON.parse(readFileSync(fixturePath('small', 'client-key.json'), 'utf8')) };
  other.data = Buffer.alloc(32, 7).toString('base64');
  delete other.fingerprint;
  const otherFile = join(box.root, 'other-key.json');
  writeFileSync(otherFile, JSON.stringify(other));
  const wrong = await encrypted('--client-key', otherFile);
  t.is(wrong.count, 0);
  t.regex(wrong.stderr, /^Warning: lists of files that were encrypted with another key .*: 1$/m);
  for (const [file, message] of [
    [join(box.root, 'none.json'), /cannot read .*none\.json/],
    [box.root, /cannot read .*EISDIR/],
    [fixturePath('small', 'store1.listing.json'), /client's key cannot be used/],
  ] as const) {
    t.regex(await box.fails(t, `catalog stats --client-key ${file}`), message);
  }
  t.regex(await box.fails(t, `catalog stats --client-password-file ${otherFile}`), /is for the key of '--client-key'/);
  const key = fixturePath('small', 'client-key.json');
  t.is((await encrypted('--client-key', key)).count, 1);
  t.deepEqual(await encrypted(), { count: 1, stderr: '' }, 'and known from then on');
  const exported = join(box.root, 'export.sqlite');
  await box.ok(t, `catalog export ${exported}`);
  const catalog = await openCatalog(exported);
  t.teardown(() => catalog.close());
  const [snapshot] = catalog.snapshots({ text: 'enc1' });
  t.is(snapshot?.state, 'listed');
  t.deepEqual(
    catalog.findPath(snapshot?.root ?? 0, DEEP).map(({ name }) => name),
    ['root.pxar.didx', 'sub', 'deep'],
  );
});

fixtureTest('restore --list restores what it names, and refuses what is no list of the set', async (t) => {
  const box = await pbsSite(t);
  const target = join(box.root, 'target');
  mkdirSync(join(target, '.chunks'), { recursive: true });
  for (const folder of readdirSync(join(box.root, 'store1', '.chunks'))) mkdirSync(join(target, '.chunks', folder));
  writeFileSync(join(target, '.lock'), '');
  await box.ok(t, `datastore create target ${target}`);
  const list = join(box.root, 'list.json');
  const planned = await box.run(`restore ${SET} target --list ${list} --dry-run --output-format json`);
  t.is(JSON.parse(planned.stdout).restored.length, 1, planned.stderr);
  const { code, stdout } = await box.run(`restore ${SET} target --list ${list}`);
  t.is(code, 0, stdout);
  t.regex(stdout, /restored 1 snapshots/);
  t.deepEqual(readdirSync(join(target, 'host', 'web1')), ['2024-06-05T09:34:20Z', 'owner']);
  const refused = async (text: string, message: RegExp): Promise<void> => {
    writeFileSync(list, text);
    t.regex(await box.fails(t, `restore ${SET} target --list ${list}`), message);
  };
  await refused(JSON.stringify({ ...LIST, 'media-set': TAPE01 }), /list\.json.*is about media set 1771f8cf/);
  await refused(JSON.stringify(LIST).slice(0, 50), /list\.json' cannot be used as a restore list: it is no JSON/);
  await refused(JSON.stringify({ ...LIST, version: 2 }), /a newer Ferrite wrote it/);
  await refused('', /it is no JSON/);
  rmSync(list);
  t.regex(await box.fails(t, `restore ${SET} target --list ${list}`), /list\.json.*ENOENT/);
});

const MANY = `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200000) SELECT n, 'row ' || n FROM numbers`;

test('a reader that has seen enough of a large result may go away', async (t) => {
  const root = memoryDirectory(t);
  const child = spawn(process.execPath, [...proxmoxTape, 'catalog', 'query', MANY], {
    env: { ...process.env, PROXMOX_TAPE_ROOT: root },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.on('close', resolve));
  t.deepEqual([code, stderr], [141, '']);
});
