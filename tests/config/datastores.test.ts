import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import {
  basePath,
  claimDatastore,
  createDatastore,
  datastoreConfig,
  listDatastores,
  removeDatastore,
  usableDatastore,
} from '../../ts/config/datastores.ts';
import type { Installation } from '../../ts/config/installation.ts';
import { isMountedFrom } from '../../ts/config/mount_table.ts';
import { temporaryInstallation } from '../temporary_installation.ts';

const file = (installation: Installation) => installation.paths.configFile('datastore.cfg');
const text = (installation: Installation) => readFileSync(file(installation), 'utf8');

function write(installation: Installation, content: string): void {
  mkdirSync(installation.paths.configDir, { recursive: true });
  writeFileSync(file(installation), content);
}

test('a datastore is prepared, then configured', async (t) => {
  const installation = temporaryInstallation(t);
  const path = join(installation.root, 'store1');
  const prepared: string[] = [];
  await createDatastore(installation, { name: 'store1', path, comment: ' main ' }, async (at) => {
    t.false(existsSync(file(installation)));
    prepared.push(at);
  });
  t.deepEqual(prepared, [path]);
  t.is(text(installation), `datastore: store1\n\tcomment main\n\tpath ${path}\n`);
  t.deepEqual(await datastoreConfig(installation, 'store1'), { name: 'store1', path, comment: 'main' });
});

test('when preparing fails nothing is configured', async (t) => {
  const installation = temporaryInstallation(t);
  const fail = async () => {
    throw new Error('disk full');
  };
  const create = createDatastore(installation, { name: 'store1', path: '/s1' }, fail);
  await t.throwsAsync(create, { message: 'disk full' });
  t.deepEqual(await listDatastores(installation), []);
});

test('names are unique and directories do not overlap', async (t) => {
  const installation = temporaryInstallation(t);
  const create = (name: string, path: string) => createDatastore(installation, { name, path }, async () => undefined);
  await create('store2', '/srv/b');
  await create('store1', '/srv/bb');
  await t.throwsAsync(create('store1', '/srv/c'), { code: 'already-exists' });
  for (const path of ['/srv/b', '/srv/b/', '/srv/b/inner', '/srv', '/']) {
    await t.throwsAsync(create('store3', path), { code: 'path-in-use', message: /overlap/ }, path);
  }
  await create('store3', '/srv/..b');
  t.deepEqual(
    (await listDatastores(installation)).map(({ name }) => name),
    ['store1', 'store2', 'store3'],
  );
  await removeDatastore(installation, 'store2');
  await t.throwsAsync(removeDatastore(installation, 'store2'), { code: 'unknown-datastore' });
  await t.throwsAsync(datastoreConfig(installation, 'store2'), {
    code: 'unknown-datastore',
    message: /datastore create/,
  });
});

for (const program of [
  'usr/sbin/proxmox-backup-manager',
  'usr/lib/aarch64-linux-gnu/proxmox-backup/proxmox-backup-proxy',
]) {
  test(`beside a PBS (${program}) datastore.cfg is read, not written`, async (t) => {
    const installation = temporaryInstallation(t);
    mkdirSync(dirname(join(installation.root, program)), { recursive: true });
    writeFileSync(join(installation.root, program), '');
    write(installation, 'datastore: store1\n\tpath /srv/store1\n');
    const create = createDatastore(installation, { name: 'store2', path: '/srv/s2' }, async () => undefined);
    await t.throwsAsync(create, { code: 'owned-by-pbs', message: /proxmox-backup-manager datastore create/ });
    await t.throwsAsync(removeDatastore(installation, 'store1'), { code: 'owned-by-pbs' });
    t.is((await listDatastores(installation)).length, 1);
  });
}

test('files of a newer PBS are read: unknown and unreadable optional properties stay', async (t) => {
  const notices: string[] = [];
  const installation = temporaryInstallation(t, { onNotice: (message) => notices.push(message) });
  const content = [
    'datastore: store1',
    '\tgc-schedule whenever',
    '\tkeep-last 0',
    '\tnew-thing x',
    '\tnotification-mode carrier-pigeon',
    '\tpath /srv/store1',
    '\tverify-new perhaps',
    '',
    's3-thing: x',
    '\ta b',
    '',
  ].join('\n');
  write(installation, content);
  t.deepEqual(await listDatastores(installation), [{ name: 'store1', path: '/srv/store1' }]);
  t.is(notices.length, 6);
  await createDatastore(installation, { name: 'store2', path: '/srv/s2' }, async () => undefined);
  t.is(text(installation), `${content}\ndatastore: store2\n\tpath /srv/s2\n`);
  write(installation, 'datastore: store1\n\tcomment x\n');
  await t.throwsAsync(listDatastores(installation), { code: 'bad-config', message: /lacks the property 'path'/ });
});

const use = async (installation: Installation, properties: string, way: 'lookup' | 'read' | 'write') => {
  write(installation, `datastore: store1\n\tpath /srv/store1\n${properties}`);
  try {
    return await usableDatastore(installation, 'store1', way);
  } catch (error) {
    return (error as Error).message;
  }
};

const ALLOWED = { name: 'store1', path: '/srv/store1', chunkOrder: 'inode', syncLevel: 'filesystem' };

for (const [mode, allowed] of Object.entries<string[]>({
  'read-only': ['lookup', 'read'],
  offline: ['lookup'],
  'type=offline,message=moving%20house': ['lookup'],
  delete: [],
  unmount: ['lookup'],
  's3-refresh': ['lookup'],
  'from-the-future': ['lookup'],
  'type="broken': ['lookup'],
})) {
  test(`maintenance mode ${mode} allows ${allowed.join(', ') || 'nothing'}`, async (t) => {
    const installation = temporaryInstallation(t);
    for (const way of ['lookup', 'read', 'write'] as const) {
      const result = await use(installation, `\tmaintenance-mode ${mode}\n`, way);
      if (allowed.includes(way)) t.deepEqual(result, ALLOWED as never);
      else t.regex(String(result), /datastore 'store1' is in maintenance mode/);
    }
  });
}

test('the message of a maintenance is shown decoded', async (t) => {
  const installation = temporaryInstallation(t);
  const shown = await use(installation, '\tmaintenance-mode offline,message=moving%20house\n', 'read');
  t.regex(String(shown), /mode 'offline' \(moving house\)/);
  t.regex(String(await use(installation, '\tmaintenance-mode offline,message=50%\n', 'read')), /\(50%\)/);
});

test('stores in the cloud are listed but not used', async (t) => {
  const installation = temporaryInstallation(t);
  const backend = '\tbackend type=s3,client=c,bucket=b\n';
  t.deepEqual(await use(installation, backend, 'lookup'), ALLOWED as never);
  t.regex(String(await use(installation, backend, 'read')), /backend s3/);
  t.deepEqual(await use(installation, '\tbackend type=filesystem\n', 'write'), ALLOWED as never);
});

test('tuning', async (t) => {
  const installation = temporaryInstallation(t);
  const tuned = await use(installation, '\ttuning chunk-order=none,sync-level=file,gc-cache-capacity=7\n', 'read');
  t.deepEqual(tuned, { ...ALLOWED, chunkOrder: 'none', syncLevel: 'file' } as never);
});

test('a removable datastore lies where PBS mounts it, and must be mounted', async (t) => {
  const installation = temporaryInstallation(t);
  const device = '\tbacking-device 00000000-1111-2222-3333-444444444444\n';
  const result = await use(installation, device, 'read');
  t.regex(String(result), /datastore 'store1' is not mounted: attach its device/);
  const store = await datastoreConfig(installation, 'store1');
  t.is(basePath(installation, store), join(installation.root, 'mnt/datastore/store1'));
});

test('the mount table tells from which device a directory is', (t) => {
  const table = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '90 22 8:17 / /mnt/datastore/a rw - ext4 /dev/sdb1 rw',
    '91 22 8:33 / /mnt/datastore/b\\040c rw,x shared:7 master:1 - xfs /dev/mapper/x\\134y rw',
    '92 22 8:49 / /mnt/datastore/a rw - ext4 /dev/sdd1 rw',
    '',
  ].join('\n');
  t.true(isMountedFrom(table, '/mnt/datastore/a', '/dev/sdd1'));
  t.false(isMountedFrom(table, '/mnt/datastore/a', '/dev/sdb1'), 'hidden by a later mount');
  t.true(isMountedFrom(table, '/mnt/datastore/b c', '/dev/mapper/x\\y'));
  t.false(isMountedFrom(table, '/mnt/datastore', '/dev/sdb1'));
  t.false(isMountedFrom('', '/mnt', '/dev/sdb1'));
});

test('while a datastore is claimed its configuration is locked', async (t) => {
  const installation = temporaryInstallation(t);
  write(installation, 'datastore: store1\n\tpath /srv/store1\n');
  const lock = installation.paths.configLock('datastore.cfg');
  const claim = await claimDatastore(installation, 'store1', 'write', async (store) => {
    await t.throwsAsync(installation.acquireLock(lock, { timeoutMs: 0 }), { code: 'lock-timeout' });
    return store.path;
  });
  t.is(claim, '/srv/store1');
  (await installation.acquireLock(lock, { timeoutMs: 0 })).release();
  const refused = claimDatastore(installation, 'nope', 'write', async () => t.fail());
  await t.throwsAsync(refused, { code: 'unknown-datastore' });
  (await installation.acquireLock(lock, { timeoutMs: 0 })).release();
});
