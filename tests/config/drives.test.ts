import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  addDrive,
  changeDrive,
  changerOf,
  chooseDrive,
  driveConfig,
  listChangerNames,
  listDrives,
  removeDrive,
} from '../../ts/config/drives.ts';
import type { Installation } from '../../ts/config/installation.ts';
import { temporaryInstallation } from '../temporary_installation.ts';

const text = (installation: Installation) => readFileSync(installation.paths.configFile('tape.cfg'), 'utf8');

function write(installation: Installation, content: string): void {
  mkdirSync(installation.paths.configDir, { recursive: true });
  writeFileSync(installation.paths.configFile('tape.cfg'), content);
}

/** As in the manual, with a drive in a library and one without. */
const LIBRARY = `changer: sl3
\texport-slots 14,15,16
\tpath /dev/tape/by-id/scsi-CJ0JBE0059

linux: hh8
\tchanger sl3
\tpath /dev/tape/by-id/scsi-10WT065325-nst

lto: alone
\tpath /dev/tape/by-id/scsi-1-sg
`;

test('a virtual drive is configured and its directory made', async (t) => {
  const installation = temporaryInstallation(t);
  const path = join(installation.root, 'tapes', 'v1');
  await addDrive(installation, { type: 'virtual', name: 'vdrive', path, 'max-size': 5_242_880 });
  t.is(text(installation), `virtual: vdrive\n\tmax-size 5242880\n\tpath ${path}\n`);
  t.true(existsSync(path));
  const drive = { type: 'virtual' as const, name: 'vdrive', path, 'max-size': 5_242_880 };
  t.deepEqual(await listDrives(installation), [drive]);
  t.deepEqual(await driveConfig(installation, 'vdrive'), drive);
  t.is(changerOf(drive), 'vdrive');
});

test('relative paths become absolute', async (t) => {
  const installation = temporaryInstallation(t);
  await addDrive(installation, { type: 'virtual', name: 'vdrive', path: `${installation.root}/a/../b` });
  t.is((await driveConfig(installation, 'vdrive')).path, join(installation.root, 'b'));
});

test('drives and changers share one name space; two drives do not share a directory', async (t) => {
  const installation = temporaryInstallation(t);
  write(installation, LIBRARY);
  const path = join(installation.root, 'tapes');
  const create = (name: string, at = path) => addDrive(installation, { type: 'virtual', name, path: at });
  await t.throwsAsync(create('sl3'), { code: 'already-exists', message: /'sl3' exists already \(changer in / });
  await t.throwsAsync(create('hh8'), { code: 'already-exists' });
  await create('vdrive');
  await t.throwsAsync(create('vdrive2'), { code: 'path-in-use', message: /used by drive 'vdrive'/ });
  await t.throwsAsync(create('v'), { code: 'bad-parameter', message: /'name' must have 3 to 32 characters/ });
});

test('when the directory cannot be made nothing is configured', async (t) => {
  const installation = temporaryInstallation(t);
  const file = join(installation.root, 'file');
  writeFileSync(file, '');
  await t.throwsAsync(addDrive(installation, { type: 'virtual', name: 'vdrive', path: join(file, 'tapes') }), {
    message: /cannot make the tape directory/,
  });
  t.deepEqual(await listDrives(installation), []);
});

test('drives of every type are listed by name', async (t) => {
  const installation = temporaryInstallation(t);
  write(installation, LIBRARY);
  t.deepEqual(await listDrives(installation), [
    { type: 'lto', name: 'alone', path: '/dev/tape/by-id/scsi-1-sg' },
    { type: 'linux', name: 'hh8', changer: 'sl3', path: '/dev/tape/by-id/scsi-10WT065325-nst' },
  ]);
  const [alone, hh8] = await listDrives(installation);
  t.is(alone && changerOf(alone), undefined);
  t.is(hh8 && changerOf(hh8), 'sl3');
  await addDrive(installation, { type: 'virtual', name: 'vdrive', path: join(installation.root, 'v') });
  t.deepEqual(await listChangerNames(installation), ['sl3', 'vdrive']);
});

test('updates of a virtual drive', async (t) => {
  const installation = temporaryInstallation(t);
  const path = (name: string) => join(installation.root, name);
  await addDrive(installation, { type: 'virtual', name: 'vdrive', path: path('a'), 'max-size': 10 });
  await addDrive(installation, { type: 'virtual', name: 'other', path: path('o') });
  await changeDrive(installation, 'vdrive', { path: path('b') });
  t.true(existsSync(path('b')));
  await changeDrive(installation, 'vdrive', {}, { delete: ['max-size'] });
  t.deepEqual(await driveConfig(installation, 'vdrive'), { type: 'virtual', name: 'vdrive', path: path('b') });
  await changeDrive(installation, 'vdrive', { 'max-size': 20 }, { delete: ['max-size'] });
  t.like(await driveConfig(installation, 'vdrive'), { 'max-size': 20 });
  await t.throwsAsync(changeDrive(installation, 'vdrive', { path: path('o') }), { code: 'path-in-use' });
  await t.throwsAsync(changeDrive(installation, 'vdrive', { changer: 'vdrive' }), { code: 'bad-parameter' });
  await t.throwsAsync(changeDrive(installation, 'vdrive', {}, { delete: ['changer'] }), { message: /one of max-size/ });
  await t.throwsAsync(changeDrive(installation, 'vdrive', {}, { digest: '0'.repeat(64) }), { code: 'digest-mismatch' });
  await t.throwsAsync(changeDrive(installation, 'nope', {}), {
    code: 'unknown-drive',
    message: "drive 'nope' does not exist (known drives: other, vdrive)",
  });
});

test('updates of a tape device keep the rules of changer and changer-drivenum', async (t) => {
  const installation = temporaryInstallation(t);
  write(installation, LIBRARY);
  const update = (...args: Parameters<typeof changeDrive> extends [unknown, ...infer Rest] ? Rest : never) =>
    changeDrive(installation, ...args);
  await update('hh8', { 'changer-drivenum': 255 });
  t.like(await driveConfig(installation, 'hh8'), { 'changer-drivenum': 255 });
  await update('hh8', { 'changer-drivenum': 0 });
  t.false('changer-drivenum' in (await driveConfig(installation, 'hh8')), 'S-196');
  await t.throwsAsync(update('alone', { 'changer-drivenum': 1 }), { message: /requires a changer/ }, 'S-197');
  await update('hh8', { 'changer-drivenum': 1 });
  await update('hh8', {}, { delete: ['changer'] });
  t.deepEqual(Object.keys(await driveConfig(installation, 'hh8')).sort(), ['name', 'path', 'type'], 'S-198');
  await t.throwsAsync(update('hh8', { changer: 'nope' }), { code: 'unknown-changer' }, 'S-199');
  await update('alone', { changer: 'sl3', 'changer-drivenum': 1 });
  await update('alone', { path: '/dev/sg1' });
  t.like(await driveConfig(installation, 'alone'), { path: '/dev/sg1', type: 'lto' });
  await t.throwsAsync(update('alone', { path: '/dev/tape/by-id/scsi-10WT065325-nst' }), { code: 'path-in-use' });
  await t.throwsAsync(update('alone', { 'max-size': 1 }), { code: 'bad-parameter' });
  await t.throwsAsync(update('sl3', {}), { code: 'unknown-drive' });
  t.true(text(installation).startsWith('changer: sl3\n'));
});

test('removing a drive leaves the tapes and the others', async (t) => {
  const installation = temporaryInstallation(t);
  write(installation, LIBRARY);
  await removeDrive(installation, 'hh8');
  t.deepEqual(
    (await listDrives(installation)).map(({ name }) => name),
    ['alone'],
  );
  await t.throwsAsync(removeDrive(installation, 'sl3'), { code: 'unknown-drive' });
  await t.throwsAsync(removeDrive(installation, 'hh8'), { code: 'unknown-drive' });
});

test('the drive a command means: named, from the environment, the only one', async (t) => {
  const installation = temporaryInstallation(t);
  await t.throwsAsync(chooseDrive(installation), { code: 'no-default-drive', message: /none is configured/ });
  await t.throwsAsync(chooseDrive(installation, 'first'), { message: /'first' does not exist \(there are none yet\)/ });
  const create = (name: string) =>
    addDrive(installation, { type: 'virtual', name, path: join(installation.root, name) });
  await create('first');
  t.is((await chooseDrive(installation)).name, 'first');
  await create('second');
  await t.throwsAsync(chooseDrive(installation), { message: /several \(first, second\): name one with --drive/ });
  t.is((await chooseDrive(installation, 'second')).name, 'second');
  const variables = { PROXMOX_TAPE_DRIVE: 'second' };
  const sameRoot = temporaryInstallation(t, { root: installation.root, variables });
  t.is((await chooseDrive(sameRoot)).name, 'second');
  t.is((await chooseDrive(sameRoot, 'first')).name, 'first');
  await t.throwsAsync(chooseDrive(sameRoot, 'third'), { code: 'unknown-drive' });
});
