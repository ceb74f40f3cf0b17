/**
 * Emulated libraries: drives and a robot for people who have none, as ordinary `lto:` and `changer:` paths below a
 * directory. Whoever has such a library is also its operator, who puts cartridges in and takes them out.
 */
import { resolve } from 'node:path';
import type { Installation } from '../config/installation.ts';
import type { ElementPlace, EmulatedCartridge, EmulatedLibrary, EmulatedLibraryOptions } from '../native.ts';
import { isCleaningLabel } from './changers/elements.ts';
import { createChanger, createDrive } from './device_config.ts';

export interface NewEmulatedLibrary extends EmulatedLibraryOptions {
  directory: string;
  /** Bar codes of the cartridges in the first slots, instead of numbered ones. */
  barcodes?: readonly string[];
}

export interface EmulatedDevices {
  readonly directory: string;
  readonly changer: string;
  /** The first is drive 0. */
  readonly drives: readonly string[];
}

export async function createEmulatedLibrary(request: NewEmulatedLibrary): Promise<EmulatedDevices> {
  const { EmulatedLibrary } = await import('../native.ts');
  const { directory: given, barcodes, ...options } = request;
  const directory = resolve(given);
  const none = barcodes && { cartridges: 0, cleaningCartridges: 0 };
  const library = await EmulatedLibrary.create(directory, { ...options, ...none });
  for (const [index, barcode] of (barcodes ?? []).entries()) {
    await bring(library, { kind: 'slot', number: index + 1 }, { barcode });
  }
  const devices = await library.devices();
  const pathsOf = (kind: 'tape' | 'changer') =>
    devices.filter((device) => device.kind === kind).map(({ path }) => path);
  const [changer = ''] = pathsOf('changer');
  return { directory, changer, drives: pathsOf('tape') };
}

/** Names of the sections for an emulated library: the changer's, and from it those of the drives. */
export function sectionNames(name: string, { drives }: EmulatedDevices) {
  return { changer: name, drives: drives.map((path, number) => ({ name: `${name}-drive${number}`, path, number })) };
}

/** What `changer create` and `drive create` would do by hand. */
export async function configureEmulatedLibrary(
  installation: Installation,
  name: string,
  devices: EmulatedDevices,
): Promise<void> {
  const { changer, drives } = sectionNames(name, devices);
  await createChanger(installation, { name: changer, path: devices.changer });
  for (const { name: drive, path, number } of drives) {
    await createDrive(installation, { name: drive, path, changer, 'changer-drivenum': number });
  }
}

export interface Cartridge {
  barcode: string;
  /** Of a new cartridge. */
  worm?: boolean | undefined;
  /** Of a new cartridge; as the drives' where not given. */
  generation?: number | undefined;
  writeProtected?: boolean | undefined;
}

/** Puts a cartridge, new or taken out before, into a slot or a drive. */
export async function insertCartridge(directory: string, place: ElementPlace, cartridge: Cartridge): Promise<void> {
  const { EmulatedLibrary } = await import('../native.ts');
  await bring(await EmulatedLibrary.open(resolve(directory)), place, cartridge);
}

async function bring(library: EmulatedLibrary, place: ElementPlace, cartridge: Cartridge): Promise<void> {
  const { barcode, worm, generation, writeProtected } = cartridge;
  const isKnown = (await library.cartridges()).some((known) => known.barcode === barcode);
  if (!isKnown) {
    const kind = isCleaningLabel(barcode) ? 'cleaning' : worm ? 'worm' : 'data';
    await library.createCartridge({ barcode, kind, ...(generation !== undefined && { generation }) });
  }
  if (writeProtected !== undefined) await library.setWriteProtect(barcode, writeProtected);
  await library.insert(place, barcode);
}

/** Takes a cartridge out; it stays in the directory. Resolves with its bar code. */
export async function removeCartridge(directory: string, place: ElementPlace): Promise<string> {
  const { EmulatedLibrary } = await import('../native.ts');
  return (await EmulatedLibrary.open(resolve(directory))).remove(place);
}

/** All cartridges, also those that were taken out; sorted by bar code. */
export async function listCartridges(directory: string): Promise<EmulatedCartridge[]> {
  const { EmulatedLibrary } = await import('../native.ts');
  return (await EmulatedLibrary.open(resolve(directory))).cartridges();
}
