/** The last state of a changer, in PBS's file (tape-format.md 8.3). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { readChangerCache, removeChangerCache, writeChangerCache } from '../../ts/library/changers/changer_cache.ts';
import type { LibraryElements } from '../../ts/library/changers/elements.ts';
import { temporaryInstallation } from '../temporary_installation.ts';

const ELEMENTS: LibraryElements = {
  drives: [{ labelText: 'L1', loadedSlot: 2, serial: 'S1', vendor: 'IBM', model: 'ULT3580-TD8', address: 256 }],
  slots: [
    { labelText: '', isImportExport: false, address: 1024 },
    { labelText: undefined, isImportExport: true, address: 16 },
  ],
  transports: [{ labelText: undefined, address: 1 }],
};

test('written as PBS writes it, and read back', async (t) => {
  const installation = temporaryInstallation(t);
  t.is(await readChangerCache(installation, 'sl3'), undefined);
  await writeChangerCache(installation, 'sl3', ELEMENTS);
  const path = installation.paths.changerStateFile('sl3');
  t.deepEqual(JSON.parse(readFileSync(path, 'utf8')), {
    drives: [
      {
        loaded_slot: 2,
        status: { VolumeTag: 'L1' },
        drive_serial_number: 'S1',
        vendor: 'IBM',
        model: 'ULT3580-TD8',
        element_address: 256,
      },
    ],
    slots: [
      { import_export: false, status: 'Full', element_address: 1024 },
      { import_export: true, status: 'Empty', element_address: 16 },
    ],
    transports: [{ status: 'Empty', element_address: 1 }],
  });
  t.deepEqual(await readChangerCache(installation, 'sl3'), ELEMENTS);
  await removeChangerCache(installation, 'sl3');
  await removeChangerCache(installation, 'sl3');
  t.is(await readChangerCache(installation, 'sl3'), undefined);
});

test('what is no status is as good as none', async (t) => {
  const installation = temporaryInstallation(t);
  const path = installation.paths.changerStateFile('sl3');
  mkdirSync(installation.paths.changerStateDir, { recursive: true });
  const bad = ['', '{', '[]', '{"drives":[],"slots":[]}', '{"drives":[{"status":"Half"}],"slots":[],"transports":[]}'];
  for (const text of bad) {
    writeFileSync(path, text);
    t.is(await readChangerCache(installation, 'sl3'), undefined, text);
  }
  writeFileSync(path, '{"drives":[{"status":"Empty","element_address":1}],"slots":[],"transports":[]}');
  t.is((await readChangerCache(installation, 'sl3'))?.drives.length, 1);
});

test('a cache that cannot be written is no error, and nobody reads the old one', async (t) => {
  const installation = temporaryInstallation(t);
  mkdirSync(installation.paths.runDir, { recursive: true });
  writeFileSync(installation.paths.changerStateDir, 'in the way');
  await t.notThrowsAsync(writeChangerCache(installation, 'sl3', ELEMENTS));
  t.false(existsSync(installation.paths.changerStateFile('sl3')));
});
