/** An emulated library in memory, and its devices opened as a program opens real ones. */
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import {
  type ChangerOptions,
  type DriveOptions,
  EmulatedLibrary,
  type EmulatedLibraryOptions,
  MediaChanger,
  TapeDrive,
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
