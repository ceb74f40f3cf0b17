/** An emulated library in memory, and its devices opened as a program opens real ones. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import {
  type ChangerOptions,
  type DriveOptions,
  EmulatedLibrary,
  type EmulatedLibraryOptions,
  KeyStore,
  MediaChanger,
  TapeDrive,
  type TapeKey,
} from '../../ts/native.ts';
import { memoryDirectory } from '../temporary_installation.ts';

/** Two LTO-8 drives, eight slots (1 to 8) with FER001L8 to FER003L8 and a cleaning cartridge, two mail slots (9 and 10). */
const SMALL: EmulatedLibraryOptions = { slots: 8, importExport: 2, cartridges: 3, tapeBytes: 64 << 20 };

export async function emulatedLibrary(
  t: ExecutionContext,
  options: EmulatedLibraryOptions = {},
): Promise<EmulatedLibrary> {
  return EmulatedLibrary.create(join(memoryDirectory(t), 'library'), { ...SMALL, ...options });
}

export async function openChanger(
  t: ExecutionContext,
  library: EmulatedLibrary,
  options: Partial<ChangerOptions> = {},
): Promise<MediaChanger> {
  const changer = await MediaChanger.open({ name: 'sl3', path: join(library.directory, 'changer'), ...options });
  t.teardown(() => changer.close());
  return changer;
}

export async function openDrive(
  t: ExecutionContext,
  library: EmulatedLibrary,
  number = 0,
  options: Partial<DriveOptions> = {},
): Promise<TapeDrive> {
  const path = join(library.directory, `drive${number}`);
  const drive = await TapeDrive.open({ kind: 'lto', name: `drive${number}`, path, ...options });
  t.teardown(() => drive.close());
  return drive;
}

/** The key of keys.md 7, in a store of plain keys. */
const STORED_KEY = {
  fingerprint: '0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b',
  key: Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('hex'),
};

/** That key; `open` is what another process does to have it. */
export async function tapeKey(t: ExecutionContext): Promise<{ key: TapeKey; open: string }> {
  const plainPath = join(memoryDirectory(t), 'keys.json');
  writeFileSync(plainPath, JSON.stringify([STORED_KEY]), { mode: 0o600 });
  const files = { plainPath, configPath: `${plainPath}.configs`, configMode: 0o600 };
  const open = `new KeyStore(${JSON.stringify(files)}).unlock('${STORED_KEY.fingerprint}')`;
  return { key: await new KeyStore(files).unlock(STORED_KEY.fingerprint), open };
}
