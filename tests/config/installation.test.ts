import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { accountId } from '../../ts/config/accounts.ts';
import { lockTimeout } from '../../ts/config/file_lock.ts';
import { ensureDirectory, lockFile, now, openInstallation } from '../../ts/config/installation.ts';
import { escapeUnitPath } from '../../ts/config/paths.ts';
import { processLocks, temporaryDirectory, temporaryInstallation } from '../temporary_installation.ts';

const rootOf = (variables: Record<string, string>, isSuperUser = false, root?: string) =>
  openInstallation({ variables, isSuperUser, ...(root && { root }) }).root;

test('the root: given, PROXMOX_TAPE_ROOT, / for the super user, XDG_DATA_HOME, HOME', (t) => {
  const all = { PROXMOX_TAPE_ROOT: '/r', XDG_DATA_HOME: '/x', HOME: '/h' };
  t.is(rootOf(all, true, '/given'), '/given');
  t.is(rootOf(all, true), '/r');
  t.is(rootOf({ ...all, PROXMOX_TAPE_ROOT: '' }, true), '/');
  t.is(rootOf({ XDG_DATA_HOME: '/x', HOME: '/h' }), '/x/ferrite');
  t.is(rootOf({ XDG_DATA_HOME: 'relative', HOME: '/h' }), '/h/.local/share/ferrite');
  t.is(rootOf({ HOME: '/h' }), '/h/.local/share/ferrite');
  t.throws(() => rootOf({}), { code: 'no-root' });
});

test('a relative root is taken from the working directory', (t) => {
  t.is(rootOf({ PROXMOX_TAPE_ROOT: 'here' }), join(process.cwd(), 'here'));
});

test('paths are those of PBS', (t) => {
  const { paths } = openInstallation({ variables: {}, root: '/' });
  t.is(paths.configFile('tape.cfg'), '/etc/proxmox-backup/tape.cfg');
  t.is(paths.configLock('media-pool.cfg'), '/etc/proxmox-backup/.media-pool.lck');
  t.is(paths.inventoryFile, '/var/lib/proxmox-backup/tape/inventory.json');
  t.is(paths.inventoryLock, '/var/lib/proxmox-backup/tape/.inventory.lck');
  t.is(paths.catalogFile('u'), '/var/lib/proxmox-backup/tape/u.log');
  t.is(paths.catalogTmpFile('u'), '/var/lib/proxmox-backup/tape/u.tmp');
  t.is(paths.driveStateFile('d'), '/run/proxmox-backup/drive-state/d');
  t.is(paths.taskLogDir, '/var/log/proxmox-backup/tasks');
  const lock = '/run/proxmox-backup/drive-lock/dev-tape-by\\x2did-scsi\\x2d1\\x2dsg';
  t.is(paths.driveLock('/dev/tape/by-id/scsi-1-sg'), lock);
});

test('device paths are escaped as systemd does', (t) => {
  t.is(escapeUnitPath('/.hidden/a.b_c'), '\\x2ehidden-a.b_c');
  t.is(escapeUnitPath('/tapes/ä b'), 'tapes-\\xc3\\xa4\\x20b');
});

test('files belong to the service user only when the super user makes them', (t) => {
  const serviceUser = { uid: 34, gid: 34 };
  t.deepEqual(openInstallation({ variables: {}, root: '/r', isSuperUser: true, serviceUser }).owner, serviceUser);
  t.is(openInstallation({ variables: { HOME: '/h' }, isSuperUser: false, serviceUser }).owner, undefined);
  t.is(openInstallation({ variables: {}, isSuperUser: true, serviceUser: undefined }).owner, undefined);
});

test('accounts are found by their whole name', (t) => {
  const table = 'root:x:0:0::/root:/bin/sh\nbackup2:x:7:7::\nbackup:x:34:35:backup:/var/backups:/usr/sbin/nologin\n';
  t.is(accountId(table, 'backup'), 34);
  t.is(accountId(table, 'back'), undefined);
  t.is(accountId('backup:x::', 'backup'), undefined);
  t.is(accountId('', 'backup'), undefined);
});

const modeOf = (path: string) => statSync(path).mode & 0o777;

test('directories of an ordinary user are closed to others', async (t) => {
  const installation = temporaryInstallation(t);
  await ensureDirectory(installation, installation.paths.statusDir);
  await ensureDirectory(installation, installation.paths.statusDir);
  t.is(modeOf(installation.paths.statusDir), 0o700);
  t.is(modeOf(join(installation.root, 'var')), 0o700);
});

const asRoot = process.geteuid?.() === 0 ? test : test.skip;

asRoot('directories of PBS get its modes and owner', async (t) => {
  const installation = temporaryInstallation(t, { isSuperUser: true, serviceUser: { uid: 34, gid: 34 } });
  const { paths, root } = installation;
  await ensureDirectory(installation, paths.statusDir);
  await ensureDirectory(installation, paths.taskLogDir);
  await ensureDirectory(installation, paths.configDir);
  t.is(modeOf(paths.statusDir), 0o750);
  t.is(statSync(paths.statusDir).uid, 34);
  t.is(modeOf(paths.taskLogDir), 0o755);
  t.is(modeOf(paths.configDir), 0o700);
  t.is(modeOf(join(root, 'var/lib')), 0o755);
  t.is(statSync(join(root, 'var/lib')).uid, 0);
  t.is(statSync(join(root, 'var/lib/proxmox-backup')).gid, 34);
});

asRoot('without a service user only the system folders are open to others', async (t) => {
  const installation = temporaryInstallation(t, { isSuperUser: true, serviceUser: undefined });
  await ensureDirectory(installation, installation.paths.statusDir);
  t.is(modeOf(join(installation.root, 'var/lib')), 0o755);
  t.is(modeOf(installation.paths.statusDir), 0o700);
});

test('a directory that cannot be made is an error with its path', async (t) => {
  const installation = temporaryInstallation(t, { root: '/proc/nowhere' });
  await t.throwsAsync(ensureDirectory(installation, installation.paths.statusDir), { message: /\/proc\/nowhere/ });
});

test('existing directories keep their mode', async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'etc'), { mode: 0o711 });
  const installation = temporaryInstallation(t, { root });
  await ensureDirectory(installation, installation.paths.configDir);
  t.is(modeOf(join(root, 'etc')), 0o711);
});

test('a lock that stays busy says what it guards and where it lies', async (t) => {
  const installation = temporaryInstallation(t);
  const path = join(installation.root, 'locks', '.a.lck');
  const held = await lockFile(installation, path, "pool 'a'", 20);
  await t.throwsAsync(lockFile(installation, path, "pool 'a'", 20), {
    code: 'lock-timeout',
    message: /^pool 'a' is in use by another process \(.*\.a\.lck, waited 0\.02 s\): try again/,
  });
  held.release();
  held.release();
  (await lockFile(installation, path, "pool 'a'", 20)).release();
});

test('locks have the mode and owner of PBS, others only those of the caller', async (t) => {
  const seen: unknown[] = [];
  const acquireLock: typeof lock = async (path, options) => {
    seen.push(options);
    return lock(path, options);
  };
  const lock = processLocks();
  const own = temporaryInstallation(t, { acquireLock });
  await lockFile(own, join(own.root, 'a'), 'a');
  t.deepEqual(seen, [{ timeoutMs: 10_000, mode: 0o600 }]);
});

test('errors of a lock other than waiting pass unchanged', async (t) => {
  const acquireLock = async () => {
    throw Object.assign(new Error('read-only file system'), { code: 'io', kind: 'system' });
  };
  const installation = temporaryInstallation(t, { acquireLock });
  await t.throwsAsync(lockFile(installation, join(installation.root, 'a'), 'a'), { code: 'io' });
  t.is(lockTimeout('/a', 10_000).code, 'lock-timeout');
});

test('notices are passed on once', (t) => {
  const notices: string[] = [];
  const installation = temporaryInstallation(t, { onNotice: (message) => notices.push(message) });
  for (const text of ['a', 'b', 'a']) installation.notice(text);
  t.deepEqual(notices, ['a', 'b']);
});

test('labels and task ids have whole seconds', (t) => {
  t.is(now(temporaryInstallation(t, { clock: () => 1.9 })), 1);
});

test('without a word about the user, the process decides', (t) => {
  t.is(openInstallation({ variables: {}, root: '/r' }).isSuperUser, process.geteuid?.() === 0);
});

test('clock, UUIDs and variables come from outside, and have defaults', (t) => {
  const installation = openInstallation({ variables: { A: 'b' }, root: '/r' });
  t.is(installation.variables.A, 'b');
  t.true(Math.abs(installation.clock() - Date.now() / 1000) < 10);
  t.regex(installation.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
