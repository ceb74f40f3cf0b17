/** Snapshots from and to files on disk: what a directory tree may hold, and what cannot be archived. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import test from 'ava';
import {
  archiveContents,
  extractArchive,
  importSnapshot,
  listSnapshots,
  parseArchiveSource,
  storeStats,
  verifySnapshots,
} from '../../ts/index.ts';
import { RecordingObserver } from '../recording_observer.ts';
import { chunkDigest, Site } from './site.ts';

async function siteWithFullStore(t: Parameters<typeof Site.make>[0]): Promise<Site> {
  const site = await Site.make(t, { tapes: [] });
  for (let prefix = 0; prefix < 65_536; prefix++) {
    mkdirSync(site.path('store1/.chunks', prefix.toString(16).padStart(4, '0')), { recursive: true });
  }
  return site;
}

test('a tree with sockets, pipes, links and loops comes back', async (t) => {
  const site = await siteWithFullStore(t);
  const tree = site.path('tree');
  mkdirSync(`${tree}/deep/er`, { recursive: true });
  writeFileSync(`${tree}/deep/file`, 'content');
  writeFileSync(`${tree}/empty`, '');
  linkSync(`${tree}/deep/file`, `${tree}/hard link`);
  symlinkSync('..', `${tree}/deep/er/up`); // a loop for whoever follows links
  symlinkSync('itself', `${tree}/itself`);
  symlinkSync('/nowhere', `${tree}/dangling`);
  execFileSync('mkfifo', [`${tree}/pipe`]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${tree}/socket`, resolve));
  t.teardown(() => server.close());

  const { installation } = site;
  const report = await importSnapshot(
    installation,
    { store: 'store1', group: 'host/web', archives: [`root.pxar:${tree}`] },
    new RecordingObserver(),
  );
  t.deepEqual(report.warnings, []);
  const target = site.path('extracted');
  await extractArchive(
    installation,
    { store: 'store1', snapshot: report.snapshot, archive: 'root.pxar', target },
    new RecordingObserver(),
  );
  // Node's own recursion follows links.
  const found = execFileSync('find', [target, '-mindepth', '1', '-printf', '%P\\n'], { encoding: 'utf8' });
  t.is(
    found.split('\n').sort().join(' '),
    ' dangling deep deep/er deep/er/up deep/file empty hard link itself pipe socket',
  );
  t.is(readlinkSync(`${target}/itself`), 'itself');
  t.is(readlinkSync(`${target}/deep/er/up`), '..');
  t.true(lstatSync(`${target}/pipe`).isFIFO());
  t.true(lstatSync(`${target}/socket`).isSocket());
  t.is(statSync(`${target}/hard link`).ino, statSync(`${target}/deep/file`).ino);
  t.is(readFileSync(`${target}/hard link`, 'utf8'), 'content');

  const files = await archiveContents(
    installation,
    { store: 'store1', snapshot: report.snapshot, archive: 'root.pxar' },
    new RecordingObserver(),
  );
  t.deepEqual(files.map(({ path, size }) => [path, size]).sort(), [
    ['deep/file', 7],
    ['empty', 0],
    ['hard link', 7],
  ]);
});

test('lists tell finished from unfinished; statistics count chunks once', async (t) => {
  const site = await Site.make(t, { tapes: [] });
  await site.addSnapshot('vm/1', 1, ['a', 'b']);
  await site.addSnapshot('vm/1', 2, ['a']);
  mkdirSync(site.path('store1/vm/1/2030-01-01T00:00:00Z'));
  const listed = await listSnapshots(site.installation, { store: 'store1' });
  t.deepEqual(
    listed.map(({ backupTime, finished, size, files }) => [backupTime > 1_800_000_000, finished, size, files.length]),
    [
      [false, true, 600_000, 2],
      [false, true, 300_000, 1],
      [true, false, 0, 0],
    ],
  );
  const stats = await storeStats(site.installation, { store: 'store1' });
  t.deepEqual([stats.chunks, stats.indexBytes], [2, 900_000]);
});

test('a chunk that went bad is in the report of a verification, with its snapshots', async (t) => {
  const site = await Site.make(t, { tapes: [] });
  const good = await site.addSnapshot('vm/1', 1, ['a']);
  const bad = await site.addSnapshot('vm/2', 1, ['b']);
  const digest = chunkDigest('b');
  const path = site.path('store1/.chunks', digest.slice(0, 4), digest);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(500) ^ 1, 500);
  writeFileSync(path, bytes);
  const report = await verifySnapshots(site.installation, { store: 'store1' }, new RecordingObserver());
  t.deepEqual(
    report.errors.map(({ snapshot, chunk }) => [snapshot, chunk]),
    [[bad, digest]],
  );
  const one = await verifySnapshots(site.installation, { store: 'store1', snapshots: [good] }, new RecordingObserver());
  t.deepEqual([one.errors, one.snapshots], [[], 1]);
});

test('archives and groups that cannot be meant are refused', async (t) => {
  const site = await Site.make(t, { tapes: [] });
  for (const text of ['root.pxar', 'root:/etc', 'root.zip:/etc', '.pxar:/etc', 'a/b.pxar:/etc', 'root.pxar:']) {
    t.throws(() => parseArchiveSource(text), { code: 'bad-parameter' }, text);
  }
  t.deepEqual(parseArchiveSource('a.conf:/x:y'), { kind: 'blob', name: 'a.conf', source: '/x:y' });
  const request = { store: 'store1', group: 'host', archives: [] };
  await t.throwsAsync(importSnapshot(site.installation, request, new RecordingObserver()), { code: 'bad-parameter' });
  const missing = { store: 'store1', group: 'host/a', archives: ['x.img:/nowhere/disk.raw'] };
  await t.throwsAsync(importSnapshot(site.installation, missing, new RecordingObserver()), {
    message: /\/nowhere\/disk\.raw/,
  });
  t.deepEqual(await listSnapshots(site.installation, { store: 'store1' }), [], 'nothing stays of a failed import');
});

const isRoot = process.geteuid?.() === 0;
if (!isRoot) process.stderr.write('SKIP root: only root gives files to another user\n');

(isRoot ? test : test.skip)(
  'with the user `backup` state belongs to it; without it files are closed to all others',
  async (t) => {
    const backupUser = { uid: 34, gid: 34 };
    for (const serviceUser of [backupUser, undefined]) {
      const site = await Site.make(t, { installation: { isSuperUser: true, serviceUser } });
      await site.addSnapshot('vm/1', 1, ['a']);
      const { outcome } = await site.backup();
      t.is(outcome.status, 'OK');
      const { paths } = site.installation;
      const files = [paths.inventoryFile, site.catalogPath(await site.inventory(), 'T1'), paths.inventoryLock];
      for (const path of files) {
        const { uid, gid, mode } = statSync(path);
        t.deepEqual([uid, gid], serviceUser ? [34, 34] : [0, 0], path);
        if (!serviceUser) t.is(mode & 0o077, 0, path);
      }
      t.is(statSync(paths.inventoryFile).mode & 0o777, serviceUser ? 0o640 : 0o600);
    }
  },
);

test('another user than root works below a root of its own', async (t) => {
  if (!isRoot) return t.pass();
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const folder = site.path();
  spawnSync('chown', ['-R', '65534:65534', folder]);
  const script = `
    const { openInstallation, backup } = await import(process.argv[1]);
    const observer = { started() {}, line() {}, progress() {}, signal: new AbortController().signal };
    const installation = openInstallation({ root: process.argv[2], variables: {} });
    const { status } = await backup(installation, { store: 'store1', pool: 'pool1' }, observer);
    process.stdout.write(status);`;
  const index = new URL('../../ts/index.js', import.meta.url).href;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, index, folder], {
    uid: 65_534,
    gid: 65_534,
    encoding: 'utf8',
  });
  t.is(stdout, 'OK', stderr);
  t.is(statSync(site.installation.paths.inventoryFile).uid, 65_534);
});
