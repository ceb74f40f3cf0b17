/** An emulated library, configured in an installation of its own: real commands on SCSI devices that are files. */
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { addChanger, changeChanger } from '../../ts/config/changers.ts';
import { addDrive } from '../../ts/config/drives.ts';
import { acquireNativeLock } from '../../ts/config/file_lock.ts';
import type { Installation } from '../../ts/config/installation.ts';
import { insertCartridge } from '../../ts/library/emulated_library.ts';
import { type ElementPlace, EmulatedLibrary, type EmulatedLibraryOptions, MediaChanger } from '../../ts/native.ts';
import { memoryDirectory, temporaryInstallation } from '../temporary_installation.ts';

export interface EmulatedOptions extends EmulatedLibraryOptions {
  exportSlots?: string;
  ejectBeforeUnload?: boolean;
}

/** Cartridges of 64 MiB, none of them there yet. */
const EMPTY = { cartridges: 0, cleaningCartridges: 0, tapeBytes: 64 << 20 };

/** Changer `lib`, drives `drive0`, `drive1`, ... */
export class Emulated {
  readonly installation: Installation;
  readonly library: EmulatedLibrary;
  readonly directory: string;

  private constructor(installation: Installation, library: EmulatedLibrary) {
    this.installation = installation;
    this.library = library;
    this.directory = library.directory;
  }

  static async make(t: ExecutionContext, options: EmulatedOptions = {}): Promise<Emulated> {
    const { exportSlots, ejectBeforeUnload, ...rest } = options;
    const root = memoryDirectory(t);
    const installation = temporaryInstallation(t, { root, acquireLock: acquireNativeLock });
    const library = await EmulatedLibrary.create(join(root, 'library'), { ...EMPTY, ...rest });
    const emulated = new Emulated(installation, library);
    await emulated.#configure();
    if (exportSlots !== undefined) await changeChanger(installation, 'lib', { 'export-slots': exportSlots });
    if (ejectBeforeUnload) await changeChanger(installation, 'lib', { 'eject-before-unload': true });
    return emulated;
  }

  async #configure(): Promise<void> {
    const devices = await this.library.devices();
    const changer = devices.find(({ kind }) => kind === 'changer');
    await addChanger(this.installation, { name: 'lib', path: changer?.path ?? '' });
    const drives = devices.filter(({ kind }) => kind === 'tape');
    for (const [number, { path }] of drives.entries()) {
      const name = `drive${number}`;
      await addDrive(this.installation, { type: 'lto', name, path, changer: 'lib', 'changer-drivenum': number });
    }
  }

  /** The library's own robot, past everything that is tested. */
  async robot<T>(work: (changer: MediaChanger) => Promise<T>): Promise<T> {
    const changer = await MediaChanger.open({ name: 'test', path: join(this.directory, 'changer') });
    try {
      return await work(changer);
    } finally {
      await changer.close();
    }
  }

  /** Puts a cartridge, new or taken out before, into a slot or by hand into a drive. */
  async insert(place: number | ElementPlace, barcode: string): Promise<void> {
    await insertCartridge(this.directory, typeof place === 'number' ? { kind: 'slot', number: place } : place, {
      barcode,
    });
  }

  /** What stands where: `drive 0: L1<2`, `slot 3: L2`; empty places are left out. */
  async places(): Promise<string[]> {
    const { drives, slots } = await this.robot((changer) => changer.status());
    const text = ({ status, tag = '?' }: { status: string; tag?: string }) => (status === 'empty' ? '' : tag);
    return [
      ...drives.map((drive, number) => {
        const from = drive.status === 'empty' || drive.loadedSlot === undefined ? '' : `<${drive.loadedSlot}`;
        return `drive ${number}: ${text(drive)}${from}`;
      }),
      ...slots.map((slot, index) => `slot ${index + 1}: ${text(slot)}`),
    ].filter((line) => !line.endsWith(': '));
  }
}
