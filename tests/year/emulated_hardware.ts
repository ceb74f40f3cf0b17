/** An emulated LTO library with two drives, a robot and mail slots: the real `lto:` and `changer:` sections, real CDBs. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Installation } from '../../ts/config/installation.ts';
import { createChanger, createDrive } from '../../ts/library/device_config.ts';
import { type ElementPlace, EmulatedLibrary } from '../../ts/native.ts';
import type { Hardware, Imprint, Place } from './hardware.ts';

/** Where a cartridge file counts how often something on its tape went away (crates/emulator, cartridge). */
const EPOCH_AT = 64;
/** A cartridge with labels, catalogs and some data is larger than this. */
const DATA_BYTES = 2_000_000;
/** Objects: label, mark, set label, mark, then data. */
const FIRST_DATA_OBJECT = 4;

export class EmulatedHardware implements Hardware {
  readonly drives = ['drive0', 'drive1'];
  readonly changer = 'robot';
  readonly slots = 24;
  readonly mailSlots = 4;
  readonly #directory: string;
  readonly #tapeBytes: number;
  #core: EmulatedLibrary | undefined;
  readonly #files = new Map<string, string>();
  /** What is stuck on cartridges, where it is not their own barcode: sticker to cartridge. */
  readonly #stickers = new Map<string, string>();

  constructor(root: string, tapeBytes: number) {
    this.#directory = join(root, 'library');
    this.#tapeBytes = tapeBytes;
  }

  async configure(installation: Installation): Promise<void> {
    this.#core = await EmulatedLibrary.create(this.#directory, {
      drives: this.drives.length,
      slots: this.slots,
      importExport: this.mailSlots,
      cartridges: 0,
      cleaningCartridges: 0,
      tapeBytes: this.#tapeBytes,
    });
    await createChanger(installation, { name: this.changer, path: join(this.#directory, 'changer') });
    for (const [number, name] of this.drives.entries()) {
      const path = join(this.#directory, `drive${number}`);
      const section = { type: 'lto', name, path, changer: this.changer } as const;
      await createDrive(installation, number === 0 ? section : { ...section, 'changer-drivenum': number });
    }
  }

  async make(label: string): Promise<void> {
    this.#files.set(label, await this.#library.createCartridge({ barcode: label }));
  }

  async contents(): Promise<ReadonlyMap<string, Place>> {
    return new Map([...(await this.#places())].map(([label, { place }]) => [label, place]));
  }

  async insert(label: string): Promise<void> {
    const taken = new Set([...(await this.#places()).values()].map(({ at }) => `${at.kind} ${at.number}`));
    const number = Array.from({ length: this.slots }, (_, index) => index + 1).find(
      (slot) => !taken.has(`slot ${slot}`),
    );
    if (number === undefined) throw new Error('the library is full');
    const place: ElementPlace = { kind: 'slot', number };
    const cartridge = this.#stickers.get(label) ?? label;
    await this.#library.insert(place, cartridge);
    if (cartridge !== label) await this.#library.relabel(place, label);
  }

  async remove(label: string): Promise<void> {
    const at = (await this.#places()).get(label)?.at;
    if (at) await this.#library.remove(at);
  }

  async imprint(label: string): Promise<Imprint> {
    const file = this.#files.get(this.#stickers.get(label) ?? label) ?? '';
    const descriptor = openSync(file, 'r');
    const epoch = Buffer.alloc(8);
    readSync(descriptor, epoch, 0, epoch.length, EPOCH_AT);
    closeSync(descriptor);
    return { digest: epoch.toString('hex'), files: 0 };
  }

  /** A block that reads as something else. */
  async damage(label: string): Promise<boolean> {
    const cartridge = this.#stickers.get(label) ?? label;
    if (statSync(this.#files.get(cartridge) ?? '').size < DATA_BYTES) return false;
    if ((await this.contents()).get(label) === 'drive') return false;
    try {
      await this.#library.corrupt(cartridge, FIRST_DATA_OBJECT);
    } catch {
      return false; // there are only labels on it
    }
    return true;
  }

  async swapBarcodes(a: string, b: string): Promise<void> {
    const [onA, onB] = [this.#stickers.get(a) ?? a, this.#stickers.get(b) ?? b];
    this.#stickers.set(a, onB).set(b, onA);
    for (const label of [a, b]) if (this.#stickers.get(label) === label) this.#stickers.delete(label);
  }

  get #library(): EmulatedLibrary {
    if (!this.#core) throw new Error('not configured');
    return this.#core;
  }

  async #places(): Promise<Map<string, { at: ElementPlace; place: Place }>> {
    const stickerOf = new Map([...this.#stickers].map(([sticker, cartridge]) => [cartridge, sticker]));
    const found = new Map<string, { at: ElementPlace; place: Place }>();
    for (const { barcode, place: at } of await this.#library.cartridges()) {
      if (!at) continue;
      const isMail = at.kind === 'slot' && at.number > this.slots;
      const place = at.kind === 'drive' ? 'drive' : isMail ? 'mail-slot' : 'slot';
      found.set(stickerOf.get(barcode) ?? barcode, { at, place });
    }
    return found;
  }
}
