/** Drives and changers through the Rust core, on an emulated library: what is found, moved, asked and told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { toFerriteError } from '../../ts/errors.ts';
import {
  driverOptionBit,
  findDevice,
  MediaChanger,
  type OperationProgress,
  sameSerial,
  scanDevices,
  TapeDrive,
} from '../../ts/native.ts';
import { memoryDirectory, temporaryDirectory } from '../temporary_installation.ts';
import { emulatedLibrary, openChanger, openDrive, tapeKey } from './library.ts';

const LABEL = { labelText: 'FER001L8', uuid: '11111111-2222-4333-8444-555555555555', ctime: 1_700_000_000 };

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'succeeded';
  } catch (error) {
    const { kind, code } = toFerriteError(error);
    return `${kind}/${code}`;
  }
}

test('a library is found by its directory, its devices by their paths', async (t) => {
  const library = await emulatedLibrary(t);
  const devices = await scanDevices(library.directory);
  t.deepEqual(
    devices.map(({ kind, stable }) => [kind, stable]),
    [
      ['changer', true],
      ['tape', true],
      ['tape', true],
    ],
  );
  const [changer, drive] = devices;
  t.deepEqual(await findDevice(join(library.directory, 'drive0')), drive ?? null);
  t.deepEqual(await findDevice(join(library.directory, 'changer')), changer ?? null);
  t.is(await findDevice('/dev/null'), null);
  t.is(await code(findDevice(join(library.directory, 'drive7'))), 'operator/no-device');
  t.is(await code(scanDevices(temporaryDirectory(t))), 'operator/no-device');
  // whatever this machine has
  t.true(Array.isArray(await scanDevices()));
});

test('drives tell the serial number by which the library knows them', async (t) => {
  const library = await emulatedLibrary(t);
  const changer = await openChanger(t, library);
  const { drives } = await changer.status();
  for (const [number, element] of drives.entries()) {
    const { serial = '', vendor } = await (await openDrive(t, library, number)).identity();
    t.true(sameSerial(element.driveSerialNumber ?? '', serial));
    t.is(element.vendor, vendor);
  }
  t.true(sameSerial('1013000567', 'HU1013000567'));
  t.false(sameSerial('', ''));
  t.false(sameSerial('567', 'HU1013000567'));
});

test('cartridges are moved, and every movement ends with a look', async (t) => {
  const library = await emulatedLibrary(t);
  const changer = await openChanger(t, library);
  const before = await changer.status();
  t.deepEqual(
    before.slots.map(({ status, tag, importExport }) => [tag ?? status, importExport]),
    [
      ['FER001L8', false],
      ['FER002L8', false],
      ['FER003L8', false],
      ['CLN001CU', false],
      ['empty', false],
      ['empty', false],
      ['empty', false],
      ['empty', false],
      ['empty', true],
      ['empty', true],
    ],
  );
  t.deepEqual(before.warnings, []);
  const { status: loaded } = await changer.load(2, 1);
  t.deepEqual([loaded.drives[1]?.tag, loaded.drives[1]?.loadedSlot], ['FER002L8', 2]);
  t.is(await code(changer.load(1, 1)), 'operator/changer-move');
  t.is(await code(changer.load(77, 0)), 'usage/no-such-place');
  t.is(await code(changer.unload(0)), 'operator/drive-empty');
  t.is((await changer.unload(1)).status.slots[1]?.tag, 'FER002L8');
  t.is((await changer.transfer(1, 9)).status.slots[8]?.tag, 'FER001L8');
  await library.leaveInGripper({ kind: 'slot', number: 3 });
  t.is((await changer.status()).transports[0]?.tag, 'FER003L8');
  const freed = await changer.move({ kind: 'transport', number: 0 }, { kind: 'slot', number: 8 });
  t.is(freed.status.slots[7]?.tag, 'FER003L8');
  await changer.inventory();
  const { peripheralType, peripheralTypeText } = await changer.inquiry();
  t.deepEqual([peripheralType, peripheralTypeText], [8, 'Medium Changer']);
});

test('what people do with the library is seen', async (t) => {
  const library = await emulatedLibrary(t);
  const changer = await openChanger(t, library);
  await changer.status();
  t.is(await library.remove({ kind: 'slot', number: 1 }), 'FER001L8');
  await library.insert({ kind: 'slot', number: 9 }, 'FER001L8');
  await library.relabel({ kind: 'slot', number: 2 }, '');
  await library.createCartridge({ barcode: 'WORM01L8', kind: 'worm' });
  await library.insert({ kind: 'slot', number: 5 }, 'WORM01L8');
  const { slots } = await changer.status();
  const seen = [1, 2, 5, 9].map((slot) => slots[slot - 1]?.tag ?? slots[slot - 1]?.status);
  t.deepEqual(seen, ['empty', 'full', 'WORM01L8', 'FER001L8']);
  const worm = (await library.cartridges()).find(({ barcode }) => barcode === 'WORM01L8');
  t.deepEqual([worm?.kind, worm?.place], ['worm', { kind: 'slot', number: 5 }]);
});

test('a drive without a tape says so at once, or waits for the one that is brought', async (t) => {
  const library = await emulatedLibrary(t);
  const drive = await openDrive(t, library);
  t.false(await drive.hasMedium());
  t.is(await code(drive.waitReady()), 'operator/no-medium');
  t.is(await code(drive.rewind()), 'operator/no-medium');
  await drive.eject();
  const { ready, density, driverFlags } = await drive.status();
  t.deepEqual([ready, density, driverFlags], [false, 'Unknown', undefined]);
  const news: OperationProgress[] = [];
  const waiting = drive.waitReady({ forMedium: true, limitSeconds: 20 }, (progress) => {
    news.push(progress);
  });
  await (await openChanger(t, library)).load(1, 0);
  await waiting;
  t.true(await drive.hasMedium());
  for (const { operation, limitSeconds } of news) t.deepEqual([operation, limitSeconds], ['wait', 20]);
  t.is(await code(drive.load('FER001L8')), 'usage/no-changer');
  t.is(await code(drive.slots()), 'usage/no-changer');
  await drive.lockDoor();
  t.not(await code(drive.eject()), 'succeeded');
  await drive.unlockDoor();
  await drive.eject();
  t.false(await drive.hasMedium());
  await drive.loadMedium();
  t.true(await drive.hasMedium());
});

test('labels, cartridge memory, statistics and alerts of a tape', async (t) => {
  const library = await emulatedLibrary(t);
  await (await openChanger(t, library)).load(1, 0);
  const drive = await openDrive(t, library);
  await drive.waitReady();
  t.true(await drive.isBlank());
  await drive.writeLabel(LABEL);
  t.deepEqual(await drive.writeAttributes({ labelText: 'FER001L8', pool: 'daily' }), []);
  t.is((await drive.readLabels())?.label.uuid, LABEL.uuid);
  const memory = new Map((await drive.cartridgeMemory()).map(({ id, value }) => [id, value]));
  t.deepEqual([memory.get(0x0803), memory.get(0x0808)], ['FER001L8', 'daily']);
  const statistics = await drive.volumeStatistics();
  t.is(statistics.volumeMounts, 1);
  t.is(statistics.writeProtect, false);
  const { flags, text, critical, cleaningRequested } = await drive.alertFlags();
  t.deepEqual([flags, text, critical, cleaningRequested], [[], '(empty)', [], false]);
  await library.wantCleaning(0, true);
  t.true((await drive.alertFlags()).cleaningRequested);
  const status = await drive.status();
  t.deepEqual([status.ready, status.density, status.worm, status.driveActivity], [true, 'LTO8', false, 'no-activity']);
  t.deepEqual(await drive.format(true), []);
  t.true(await drive.isBlank());
  t.is(
    (await drive.cartridgeMemory()).find(({ id }) => id === 0x0803),
    undefined,
  );
});

test('write protected and write-once tapes', async (t) => {
  const library = await emulatedLibrary(t);
  const changer = await openChanger(t, library);
  await library.setWriteProtect('FER001L8', true);
  await changer.load(1, 0);
  const drive = await openDrive(t, library);
  await drive.waitReady();
  t.is(await code(drive.writeLabel(LABEL)), 'operator/write-protected');
  t.true((await drive.status()).writeProtect);
  await library.createCartridge({ barcode: 'WORM01L8', kind: 'worm' });
  await library.insert({ kind: 'slot', number: 5 }, 'WORM01L8');
  await changer.load(5, 1);
  const worm = await openDrive(t, library, 1);
  await worm.waitReady();
  t.true(await worm.isWorm());
  await worm.writeLabel(LABEL);
  t.is(await code(worm.writeLabel(LABEL)), 'operator/worm');
  t.is((await worm.readLabels())?.label.uuid, LABEL.uuid);
});

test('the tape moved by hand', async (t) => {
  const library = await emulatedLibrary(t);
  await (await openChanger(t, library)).load(1, 0);
  const drive = await openDrive(t, library, 0, { passive: true });
  const at = async () => {
    const { file, object } = await drive.position();
    return [file, object];
  };
  await drive.writeFilemarks(3);
  t.deepEqual(await at(), [3, 3]);
  await drive.spaceFilemarks(-2);
  t.deepEqual(await at(), [1, 1]);
  await drive.backwardToFile(1);
  t.deepEqual(await at(), [1, 1]);
  await drive.rewind();
  await drive.forwardBeforeMark(2);
  t.deepEqual(await at(), [1, 1]);
  await drive.locateFile(2);
  t.deepEqual(await at(), [2, 2]);
  await drive.locateFile(0);
  t.true((await drive.position()).beginning);
  t.not(await code(drive.spaceBlocks(1)), 'succeeded');
  await drive.seekEndOfData();
  t.deepEqual(await at(), [3, 3]);
  t.is(await code(drive.spaceFilemarks(1)), 'data/end-of-data');
  await drive.locateFile(1);
  await drive.eraseHere(true);
  await drive.seekEndOfData();
  t.deepEqual(await at(), [1, 1]);
  await drive.setOptions({ compression: false, blocksize: 512, bufferMode: true });
  const { compression, blocksize, bufferMode } = await drive.status();
  t.deepEqual([compression, blocksize, bufferMode], [false, 512, 1]);
  await drive.setBlockSize(0);
  await drive.setOptions({ defaults: true });
  t.deepEqual(await drive.status().then((status) => [status.compression, status.blocksize]), [true, 0]);
  t.is(await code(drive.changeDriverOptions('set', 4)), 'usage/no-tape-node');
  t.deepEqual(
    [driverOptionBit('SCSI2locical'), driverOptionBit('no_blklims'), driverOptionBit('x')],
    [0x800, 0x200, null],
  );
});

test('every SCSI command can be written down', async (t) => {
  const library = await emulatedLibrary(t);
  const trace = join(memoryDirectory(t), 'trace');
  await (await openChanger(t, library, { traceScsi: trace })).load(1, 0);
  const drive = await openDrive(t, library, 0, { traceScsi: trace });
  await drive.setEncryption({ key: (await tapeKey(t)).key, mediaSetUuid: LABEL.uuid });
  await drive.close();
  const text = readFileSync(trace, 'utf8');
  for (const command of ['MOVE MEDIUM [A5', 'TEST UNIT READY [00', 'SECURITY PROTOCOL OUT [B5']) {
    t.true(text.includes(command), command);
  }
  t.true(text.includes('not shown: may hold a key'));
});

test('what cannot be opened', async (t) => {
  const library = await emulatedLibrary(t);
  const path = (name: string) => join(library.directory, name);
  const open = (kind: 'lto' | 'linux', device: string) => code(TapeDrive.open({ kind, name: 'x', path: device }));
  t.is(await open('lto', path('changer')), 'operator/wrong-device');
  t.is(await open('linux', path('drive9')), 'operator/no-device');
  t.is(await open('lto', '/dev/null'), 'usage/wrong-device');
  t.is(await code(MediaChanger.open({ name: 'x', path: path('drive0') })), 'operator/wrong-device');
  const drive = await openDrive(t, library);
  await drive.close();
  t.is(await code((async () => drive.status())()), 'usage/closed');
});
