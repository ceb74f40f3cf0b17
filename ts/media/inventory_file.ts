/**
 * inventory.json on disk, in PBS's format and under its lock. Each change reads the file again, so processes do not undo
 * each other's changes.
 */
import { readFile } from 'node:fs/promises';
import { type Installation, lockFile } from '../config/installation.ts';
import { replaceFile } from '../config/replace_file.ts';
import { FerriteError, toFerriteError } from '../errors.ts';
import type { InventoryEntry } from '../native.ts';
import { Inventory } from './inventory.ts';

const MODE = 0o640;

/** Text to entries and back. Production uses the Rust core; it is loaded only when an inventory is. */
export interface InventoryCodec {
  parse(text: Buffer): InventoryEntry[];
  print(entries: InventoryEntry[]): Buffer;
}

export async function nativeInventoryCodec(): Promise<InventoryCodec> {
  const { parseInventory, printInventory } = await import('../native.ts');
  return { parse: parseInventory, print: printInventory };
}

export class InventoryFile {
  private readonly installation: Installation;
  private readonly codec: () => Promise<InventoryCodec>;

  constructor(installation: Installation, codec: () => Promise<InventoryCodec> = nativeInventoryCodec) {
    this.installation = installation;
    this.codec = codec;
  }

  get path(): string {
    return this.installation.paths.inventoryFile;
  }

  /** A missing file is empty. */
  async load(): Promise<Inventory> {
    const text = await this.read();
    if (text === undefined) return new Inventory([]);
    const codec = await this.codec();
    try {
      return new Inventory(codec.parse(text));
    } catch (error) {
      throw new FerriteError(
        'data',
        'damaged-inventory',
        `${this.path} is damaged (${toFerriteError(error).message}): move it away; the tapes themselves give it back ` +
          "('proxmox-tape inventory --read-all-labels', or 'proxmox-tape read-label --inventorize' for each tape)",
        { cause: error },
      );
    }
  }

  private async read(): Promise<Buffer | undefined> {
    try {
      return await readFile(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      const cause = toFerriteError(error);
      throw new FerriteError('system', cause.code, `cannot read ${this.path}: ${cause.message}`, { cause: error });
    }
  }

  /** Locks, reads again, changes, replaces the file. `change` returns the inventory it was given to change nothing. */
  async update(change: (inventory: Inventory) => Inventory): Promise<Inventory> {
    const lock = await lockFile(this.installation, this.installation.paths.inventoryLock, 'the inventory');
    try {
      const before = await this.load();
      const after = change(before);
      if (after !== before) {
        const text = (await this.codec()).print([...after.entries]);
        await replaceFile(this.installation, this.path, text, { mode: MODE, owner: this.installation.owner });
      }
      return after;
    } finally {
      lock.release();
    }
  }
}
