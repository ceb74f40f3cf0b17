/** Who uses a drive. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { acquireNativeLock } from '../../ts/config/file_lock.ts';
import { driveState, reserveDrive } from '../../ts/library/drives/drive_state.ts';
import { temporaryInstallation } from '../temporary_installation.ts';

const DRIVE = { name: 'tape0', path: '/dev/tape0' };

test('the state is that of the holder, and gone with it', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: acquireNativeLock });
  t.is(await driveState(installation, DRIVE), undefined);
  const held = await reserveDrive(installation, DRIVE);
  t.is(await driveState(installation, DRIVE), 'in use');
  await held.setState('erase');
  t.is(await driveState(installation, DRIVE), 'erase');
  await held.release();
  t.is(await driveState(installation, DRIVE), undefined);
  t.is(readFileSync(installation.paths.driveStateFile('tape0'), 'utf8'), '');
});

test('what a killed process left as state means nothing', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: acquireNativeLock });
  const held = await reserveDrive(installation, DRIVE);
  await held.setState('UPID:long:gone:');
  const state = readFileSync(installation.paths.driveStateFile('tape0'), 'utf8');
  await held.release();
  writeFileSync(installation.paths.driveStateFile('tape0'), state);
  t.is(await driveState(installation, DRIVE), undefined);
});

test('two names of one device exclude each other', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: acquireNativeLock });
  const held = await reserveDrive(installation, DRIVE);
  await held.setState('backup');
  const other = { name: 'alias', path: DRIVE.path };
  const error = await t.throwsAsync(reserveDrive(installation, other, { timeoutMs: 20 }));
  t.is(error?.message, "drive 'alias' is busy (another process uses it; waited 0.02 s): try again when it is done");
  await held.release();
  await (await reserveDrive(installation, other, { timeoutMs: 20 })).release();
});

test('a state that cannot be cleared is no error of the work that was done', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: acquireNativeLock });
  const held = await reserveDrive(installation, DRIVE);
  const folder = installation.paths.driveStateDir;
  rmSync(folder, { recursive: true, force: true });
  writeFileSync(folder, 'in the way of the state file');
  await t.notThrowsAsync(held.release());
  rmSync(folder);
  mkdirSync(folder);
  await (await reserveDrive(installation, DRIVE, { timeoutMs: 20 })).release();
});

test('an abort ends the wait for a busy drive', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: acquireNativeLock });
  const held = await reserveDrive(installation, DRIVE);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  const started = Date.now();
  await t.throwsAsync(reserveDrive(installation, DRIVE, { signal: abort.signal }), { code: 'aborted' });
  t.true(Date.now() - started < 5_000);
  await held.release();
});
