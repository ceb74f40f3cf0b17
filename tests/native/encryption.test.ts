/** Keys in the drive: set for one media set, gone by every way out of the drive (tape-format.md 9.4, behaviour.md 21). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { EmulatedLibrary } from '../../ts/native.ts';
import { emulatedLibrary, openChanger, openDrive, tapeKey } from './library.ts';

const SET = '11111111-2222-4333-8444-555555555555';

test('a key is set, seen, and cleared by what ends its use', async (t) => {
  const library = await emulatedLibrary(t);
  const changer = await openChanger(t, library);
  await changer.load(1, 0);
  const drive = await openDrive(t, library);
  t.is(await drive.encryptionMode(), 'off');
  const ofSet = { key: (await tapeKey(t)).key, mediaSetUuid: SET };
  await drive.setEncryption(ofSet);
  t.is(await drive.encryptionMode(), 'mixed');
  await drive.setEncryption(null);
  t.is(await drive.encryptionMode(), 'off');

  await drive.setEncryption(ofSet);
  await t.throwsAsync(drive.spaceFilemarks(5));
  t.is(await drive.encryptionMode(), 'off', 'by a call that failed');
  await drive.setEncryption(ofSet);
  await drive.waitReady();
  t.is(await drive.encryptionMode(), 'off', 'by the wait for another tape');
  await drive.setEncryption(ofSet);
  await drive.writeLabel({ labelText: 'FER001L8', uuid: SET, ctime: 0 });
  t.is(await drive.encryptionMode(), 'off', 'by writing a label, which is never encrypted');
  const observer = await openDrive(t, library, 0, { passive: true });
  await drive.setEncryption(ofSet);
  t.is(await observer.encryptionMode(), 'mixed', 'pmt beside it clears nothing');
  await drive.eject();
  t.is(await observer.encryptionMode(), 'off', 'by ejecting');
  await drive.loadMedium();
  await drive.setEncryption(ofSet);
  await drive.close();
  t.is(await observer.encryptionMode(), 'off', 'by closing');
});

/** A process that puts a key into drive 0 and says so; then it does what `then` says. */
async function processWithKey(t: ExecutionContext, library: EmulatedLibrary, then: string) {
  const { open } = await tapeKey(t);
  const native = resolve(import.meta.dirname, '..', '..', 'ts', 'native.js');
  const program = `
    const { KeyStore, TapeDrive } = await import(${JSON.stringify(native)});
    const drive = await TapeDrive.open({ kind: 'lto', name: 'd', path: ${JSON.stringify(join(library.directory, 'drive0'))} });
    await drive.setEncryption({ key: await ${open}, mediaSetUuid: '${SET}' });
    process.stdout.write('set');
    ${then}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test('a process that is killed leaves the key in the drive, and the next one who opens it clears it', async (t) => {
  const library = await emulatedLibrary(t);
  await (await openChanger(t, library)).load(1, 0);
  // It holds on to the drive: one that is forgotten is closed, and loses the key.
  const child = await processWithKey(t, library, 'setInterval(() => drive, 1000);');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const observer = await openDrive(t, library, 0, { passive: true });
  t.is(await observer.encryptionMode(), 'mixed');
  await openDrive(t, library);
  t.is(await observer.encryptionMode(), 'off');
});

test('a process that ends without closing its drive clears the key', async (t) => {
  const library = await emulatedLibrary(t);
  await (await openChanger(t, library)).load(1, 0);
  for (const then of ['process.exit(0);', '']) {
    const child = await processWithKey(t, library, then);
    if (child.exitCode === null) await once(child, 'exit');
    t.is(child.exitCode, 0);
    const observer = await openDrive(t, library, 0, { passive: true });
    t.is(await observer.encryptionMode(), 'off', then);
  }
});
