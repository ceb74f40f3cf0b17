/** A virtual drive as its own changer (behaviour.md section 24): every tape of its directory is in it. */
import { FerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { TapeSlots } from '../../native.ts';
import type { DriveHandle } from '../drives/drive_handle.ts';
import type { DriveLibrary } from './drive_library.ts';
import { isCleaningLabel, type LibraryElements, onlineLabels } from './elements.ts';
import { cleaningTape } from './moves.ts';

/** The number of slots is a multiple of this. */
const SLOT_ROW = 8;

export class VirtualLibrary implements DriveLibrary {
  readonly name: string;
  readonly #handle: DriveHandle;
  readonly #signal: AbortSignal | undefined;

  constructor(name: string, handle: DriveHandle, signal: AbortSignal | undefined) {
    this.name = name;
    this.#handle = handle;
    this.#signal = signal;
  }

  /** What a virtual drive does takes no time. */
  tell(): void {}

  async elements(): Promise<LibraryElements> {
    return virtualElements(await this.#handle.use(this.#signal, (tape) => tape.slots()));
  }

  async onlineLabels(): Promise<string[]> {
    return onlineLabels(await this.elements());
  }

  async load(labelText: string): Promise<void> {
    if (isCleaningLabel(labelText)) throw cleaningTape(labelText);
    await this.#handle.use(this.#signal, (tape) => tape.load(labelText));
  }

  async loadFromSlot(slot: number): Promise<void> {
    const { slots } = await this.elements();
    const labelText = slots[slot - 1]?.labelText;
    if (labelText === undefined) {
      throw new FerriteError('operator', 'no-such-slot', `virtual drive '${this.name}' has no tape number ${slot}`);
    }
    await this.load(labelText);
  }

  /** There are no slots to choose from. */
  async unload(): Promise<void> {
    await this.#handle.use(this.#signal, (tape) => tape.unload());
  }

  async empty(): Promise<void> {
    await this.unload();
  }

  async exportTape(): Promise<number> {
    throw new FerriteError('usage', 'no-export', `virtual drive '${this.name}' has no import/export slots`);
  }

  async clean(log: WorkLog): Promise<void> {
    log.info('a virtual drive needs no cleaning');
  }
}

/** As PBS shows a virtual drive: the loaded tape stays in its slot, too. */
export function virtualElements({ loaded, slots }: TapeSlots): LibraryElements {
  const count = Math.ceil(slots.length / SLOT_ROW) * SLOT_ROW;
  const labels = new Map(slots.map(({ slot, labelText }) => [slot, labelText]));
  return {
    drives: loaded === undefined ? [] : [{ labelText: loaded, address: 0 }],
    slots: Array.from({ length: count }, (_, index) => ({
      labelText: labels.get(index + 1),
      isImportExport: false,
      address: 0,
    })),
    transports: [],
  };
}
