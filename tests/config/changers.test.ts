import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import {
  addChanger,
  changeChanger,
  changerConfig,
  chooseChanger,
  listChangers,
  removeChanger,
} from '../../ts/config/changers.ts';
import { addDrive } from '../../ts/config/drives.ts';
import type { Installation } from '../../ts/config/installation.ts';
import { temporaryInstallation } from '../temporary_installation.ts';

const text = (installation: Installation) => readFileSync(installation.paths.configFile('tape.cfg'), 'utf8');

test('a changer is configured, listed, changed and removed', async (t) => {
  const installation = temporaryInstallation(t);
  await addChanger(installation, { name: 'sl3', path: '/dev/sg4', 'export-slots': '16 2;10' });
  t.is(text(installation), 'changer: sl3\n\texport-slots 10,16,2\n\tpath /dev/sg4\n', 'sorted as PBS does');
  await addChanger(installation, { name: 'abc', path: '/dev/sg5' });
  t.deepEqual(
    (await listChangers(installation)).map(({ name }) => name),
    ['abc', 'sl3'],
  );
  await changeChanger(installation, 'sl3', { 'eject-before-unload': true, 'export-slots': '' });
  t.deepEqual(await changerConfig(installation, 'sl3'), { name: 'sl3', path: '/dev/sg4', 'eject-before-unload': true });
  await changeChanger(installation, 'sl3', { 'export-slots': '7' }, { delete: ['eject-before-unload'] });
  t.deepEqual(await changerConfig(installation, 'sl3'), { name: 'sl3', path: '/dev/sg4', 'export-slots': '7' });
  await removeChanger(installation, 'abc');
  t.is((await listChangers(installation)).length, 1);
});

test('S-201: names and paths are used once; S-200: a changer that a drive refers to stays', async (t) => {
  const installation = temporaryInstallation(t);
  await addChanger(installation, { name: 'sl3', path: '/dev/sg4' });
  await t.throwsAsync(addChanger(installation, { name: 'sl3', path: '/dev/sg5' }), { code: 'already-exists' });
  await t.throwsAsync(addChanger(installation, { name: 'sl4', path: '/dev/sg4' }), { code: 'path-in-use' });
  await addChanger(installation, { name: 'sl4', path: '/dev/sg5' });
  await t.throwsAsync(changeChanger(installation, 'sl4', { path: '/dev/sg4' }), { code: 'path-in-use' });
  await addDrive(installation, {
    type: 'lto',
    name: 'drive0',
    path: '/dev/sg0',
    changer: 'sl3',
    'changer-drivenum': 0,
  });
  t.false(text(installation).includes('drivenum'), 'S-196: 0 is not stored');
  await t.throwsAsync(removeChanger(installation, 'sl3'), { code: 'changer-in-use', message: /'drive0'/ });
  await removeChanger(installation, 'sl4');
});

test('unknown names, wrong values, changed files', async (t) => {
  const installation = temporaryInstallation(t);
  await t.throwsAsync(changerConfig(installation, 'nope'), { code: 'unknown-changer', message: /there are none yet/ });
  await addChanger(installation, { name: 'sl3', path: '/dev/sg4' });
  await t.throwsAsync(removeChanger(installation, 'nope'), { message: /known changers: sl3/ });
  await t.throwsAsync(changeChanger(installation, 'sl3', { 'export-slots': '0' }), {
    message: /no list of slot numbers/,
  });
  const digest = '0'.repeat(64);
  await t.throwsAsync(changeChanger(installation, 'sl3', {}, { digest }), { code: 'digest-mismatch' });
  await addDrive(installation, { type: 'lto', name: 'drive0', path: '/dev/sg0' });
  await t.throwsAsync(removeChanger(installation, 'drive0'), { code: 'unknown-changer' });
  const add = (drive: object) => addDrive(installation, { type: 'lto', name: 'drive1', path: '/dev/sg1', ...drive });
  await t.throwsAsync(add({ changer: 'nope' }), { code: 'unknown-changer' }, 'S-199');
  await t.throwsAsync(add({ 'changer-drivenum': 1 }), { message: /requires a changer/ }, 'S-197');
  await t.throwsAsync(add({ path: '/dev/sg0' }), { code: 'path-in-use' });
});

test('the changer a command means: named, or that of the drive it means', async (t) => {
  const installation = temporaryInstallation(t);
  t.is(await chooseChanger(installation, 'any'), 'any');
  await t.throwsAsync(chooseChanger(installation), { code: 'no-default-drive' });
  mkdirSync(installation.paths.configDir, { recursive: true });
  writeFileSync(installation.paths.configFile('tape.cfg'), 'lto: alone\n\tpath /dev/sg0\n');
  await t.throwsAsync(chooseChanger(installation), { code: 'no-default-changer', message: /'alone' has none/ });
  writeFileSync(
    installation.paths.configFile('tape.cfg'),
    'changer: sl3\n\tpath /dev/sg4\n\nlto: one\n\tchanger sl3\n\tpath /dev/sg0\n',
  );
  t.is(await chooseChanger(installation), 'sl3');
});
