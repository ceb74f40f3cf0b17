/**
 * The person who runs the library for a year: keeps enough tapes in it that can be written to, brings what is asked for, and
 * makes the mistakes that people make. What he knows is what the commands show.
 */

import type { Installation } from '../../ts/config/installation.ts';
import { listMedia, moveMedia } from '../../ts/index.ts';
import type { Hardware } from './hardware.ts';
import type { Model } from './model.ts';

type Listed = Awaited<ReturnType<typeof listMedia>>[number];

/** On most days he looks into the mail slots. */
const EMPTIES_MAIL_SLOTS = 0.2;

/** Tapes of each pool, or for any, that a job finds ready. */
const READY = 4;

export class LibraryOperator {
  /** Tapes that are in no library because they are gone. */
  readonly lost = new Set<string>();
  /** Pairs whose barcodes he mixed up. */
  readonly swapped = new Map<string, string>();
  readonly #installation: Installation;
  readonly #hardware: Hardware;
  readonly #model: Model;
  readonly #random: () => number;

  constructor(installation: Installation, hardware: Hardware, model: Model, random: () => number) {
    this.#installation = installation;
    this.#hardware = hardware;
    this.#model = model;
    this.#random = random;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }

  /**
   * Takes out what is full, brings in what can be written to; tapes of the pool that is kept go to the vault. Tapes of no pool
   * are kept back until a job has complained: while there are few tapes, every one that is free too early is taken.
   */
  async tidy(pools: readonly string[], isShort = false): Promise<void> {
    if (this.#random() < EMPTIES_MAIL_SLOTS) await this.emptyMailSlots();
    const tapes = await listMedia(this.#installation, { updateStatus: true });
    const inside = await this.#hardware.contents();
    const usable = (tape: Listed): boolean => tape.expired || tape.status === 'writable';
    for (const { 'label-text': label, pool } of tapes.filter(
      (tape) => !usable(tape) && inside.has(tape['label-text']),
    )) {
      if (this.#random() < 0.5) continue; // he is in no hurry
      await this.#hardware.remove(label);
      if (pool === 'monthly') await moveMedia(this.#installation, { labelText: label, vault: 'bank' });
    }
    for (const pool of pools) {
      const ready = tapes.filter(
        (tape) => usable(tape) && (tape.pool === pool || (isShort && tape.pool === undefined)),
      );
      const here = ready.filter((tape) => inside.has(tape['label-text'])).length;
      const shelf = ready.filter(({ 'label-text': label }) => !inside.has(label) && !this.lost.has(label));
      for (const tape of shelf.slice(0, isShort ? 1 : Math.max(0, READY - here))) await this.bring(tape['label-text']);
    }
  }

  /** What a job put there is for the vault. */
  async emptyMailSlots(): Promise<boolean> {
    const there = [...(await this.#hardware.contents())].filter(([, place]) => place === 'mail-slot');
    for (const [label] of there) {
      await this.#hardware.remove(label);
      const known = (await listMedia(this.#installation, { updateStatus: false })).some(
        (tape) => tape['label-text'] === label,
      );
      if (known) await moveMedia(this.#installation, { labelText: label, vault: 'bank' });
    }
    return there.length > 0;
  }

  /** False: he cannot find it. */
  async bring(label: string): Promise<boolean> {
    if (this.lost.has(label)) return false;
    const inside = await this.#hardware.contents();
    if (inside.get(label) === 'slot') return true;
    if (inside.has(label)) await this.#hardware.remove(label);
    await this.makeRoom();
    await this.#hardware.insert(label);
    return true;
  }

  /** A library that is full loses a tape that no job can write to; false: there was room. */
  async makeRoom(): Promise<boolean> {
    const inside = await this.#hardware.contents();
    const slots = [...inside].filter(([, place]) => place === 'slot').map(([label]) => label);
    // A tape in a drive needs a slot to go back to.
    if (slots.length < this.#hardware.slots - this.#hardware.drives.length) return false;
    const tapes = await listMedia(this.#installation, { updateStatus: false });
    const full = tapes.filter((tape) => tape.status === 'full' && !tape.expired).map((tape) => tape['label-text']);
    const victim = this.pick(slots.filter((label) => full.includes(label))) ?? slots[0];
    if (victim !== undefined) await this.#hardware.remove(victim);
    return victim !== undefined;
  }

  /** Looks at barcodes again; true: he found the mistake that had to do with this tape. */
  async correctBarcodes(label: string): Promise<boolean> {
    const other = this.swapped.get(label);
    if (other === undefined) return false;
    const inside = await this.#hardware.contents();
    for (const tape of [label, other]) if (inside.has(tape)) await this.#hardware.remove(tape);
    await this.#hardware.swapBarcodes(label, other);
    for (const tape of [label, other]) {
      this.swapped.delete(tape);
      if (inside.has(tape)) await this.#hardware.insert(tape);
    }
    return true;
  }

  /** One of the mistakes that people make; what it was, for the diary. */
  async mistake(labels: readonly string[]): Promise<string> {
    const inside = await this.#hardware.contents();
    const shelf = labels.filter((label) => !inside.has(label) && !this.lost.has(label) && !this.swapped.has(label));
    const kind = this.pick(['lost', 'damaged', 'swapped', 'wrong'] as const);
    switch (kind) {
      case 'lost': {
        const label = this.pick(shelf);
        if (label === undefined) return 'nothing';
        this.lost.add(label);
        this.#model.broken.add(label);
        return `lost ${label}`;
      }
      case 'damaged': {
        const tapes = await listMedia(this.#installation, { updateStatus: false });
        const full = tapes.filter(({ status, 'label-text': label }) => status === 'full' && !this.lost.has(label));
        const label = this.pick(full)?.['label-text'];
        if (label === undefined || this.swapped.has(label) || !(await this.#hardware.damage(label))) return 'nothing';
        this.#model.broken.add(label);
        return `damaged ${label}`;
      }
      case 'swapped': {
        const [a, b] = [this.pick(shelf), this.pick(shelf)];
        if (a === undefined || b === undefined || a === b) return 'nothing';
        await this.#hardware.swapBarcodes(a, b);
        this.swapped.set(a, b).set(b, a);
        return `swapped ${a} and ${b}`;
      }
      default: {
        const label = this.pick(shelf);
        if (label === undefined) return 'nothing';
        await this.bring(label);
        return `inserted ${label} for no reason`;
      }
    }
  }
}
