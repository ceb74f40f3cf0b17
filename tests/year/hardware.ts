/**
 * The machine room of the simulated year: a library, a shelf, and hands that carry tapes between them. What it knows is
 * physical; nothing in it has heard of pools or media sets.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { addDrive } from '../../ts/config/drives.ts';
import type { Installation } from '../../ts/config/installation.ts';

/** Where in the library a tape is. */
export type Place = 'slot' | 'mail-slot' | 'drive';

export interface Hardware {
  readonly drives: readonly string[];
  /** Name of the library in locations: `online-<name>`. */
  readonly changer: string;
  readonly slots: number;
  readonly mailSlots: number;
  configure(installation: Installation): Promise<void>;
  /** A tape nobody has written to yet, on the shelf. */
  make(label: string): Promise<void>;
  contents(): Promise<ReadonlyMap<string, Place>>;
  /** From the shelf into a free slot. */
  insert(label: string): Promise<void>;
  /** Out of a slot or mail slot, to the shelf. */
  remove(label: string): Promise<void>;
  /** What is on a tape, to tell whether it was overwritten: changes when its set label does, or when data is lost. */
  imprint(label: string): Promise<Imprint>;
  /** Makes data on the tape unreadable; false where it has none. */
  damage(label: string): Promise<boolean>;
  /** Each of two tapes on the shelf gets the barcode of the other. */
  swapBarcodes(a: string, b: string): Promise<void>;
}

export interface Imprint {
  /** Of the set label. */
  digest: string;
  files: number;
}

/** Tapes of a virtual drive, in its directory or out of it. */
export class VirtualLibrary implements Hardware {
  readonly drives = ['vdrive'];
  readonly changer = 'vdrive';
  readonly slots = 24;
  readonly mailSlots = 0;
  readonly #inside: string;
  readonly #shelf: string;
  readonly #tapeBytes: number;

  constructor(root: string, tapeBytes: number) {
    this.#inside = join(root, 'library');
    this.#shelf = join(root, 'shelf');
    this.#tapeBytes = tapeBytes;
    for (const folder of [this.#inside, this.#shelf]) mkdirSync(folder, { recursive: true });
  }

  async configure(installation: Installation): Promise<void> {
    const [name = ''] = this.drives;
    await addDrive(installation, { type: 'virtual', name, path: this.#inside, 'max-size': this.#tapeBytes });
  }

  async make(label: string): Promise<void> {
    writeFileSync(join(this.#shelf, `tape-${label}.json`), JSON.stringify({ files: 0 }));
  }

  async contents(): Promise<ReadonlyMap<string, Place>> {
    const labels = readdirSync(this.#inside).flatMap((name) => /^tape-(.*)\.json$/.exec(name)?.[1] ?? []);
    const loaded = this.#loaded();
    return new Map(labels.map((label) => [label, label === loaded ? 'drive' : 'slot'] as const));
  }

  async insert(label: string): Promise<void> {
    this.#move(label, this.#shelf, this.#inside);
  }

  async remove(label: string): Promise<void> {
    if (label === this.#loaded()) {
      writeFileSync(join(this.#inside, 'drive-status.json'), JSON.stringify({ current_tape: null }));
    }
    this.#move(label, this.#inside, this.#shelf);
  }

  async imprint(label: string): Promise<Imprint> {
    const folder = this.#folder(label);
    const { files } = JSON.parse(readFileSync(join(folder, `tape-${label}.json`), 'utf8')) as { files: number };
    if (files < 2) return { digest: '', files };
    const descriptor = openSync(join(folder, `tapefile-1-${label}.json`), 'r');
    const head = Buffer.alloc(4096);
    readSync(descriptor, head, 0, head.length, 0);
    closeSync(descriptor);
    return { digest: createHash('sha256').update(head).digest('hex').slice(0, 16), files };
  }

  async damage(label: string): Promise<boolean> {
    const folder = this.#folder(label);
    const names = readdirSync(folder).filter((name) => name.endsWith(`-${label}.json`) && name.startsWith('tapefile-'));
    const data = names.filter((name) => Number(/^tapefile-(\d+)-/.exec(name)?.[1]) >= 2).sort();
    const [victim] = data;
    if (victim === undefined) return false;
    const content = readFileSync(join(folder, victim));
    content.fill(0xa5, 100, Math.min(content.length, 200_000));
    writeFileSync(join(folder, victim), content);
    return true;
  }

  async swapBarcodes(a: string, b: string): Promise<void> {
    const aside = join(this.#shelf, 'aside');
    mkdirSync(aside, { recursive: true });
    this.#move(a, this.#shelf, aside);
    this.#move(b, this.#shelf, this.#shelf, a);
    this.#move(a, aside, this.#shelf, b);
  }

  #loaded(): string | undefined {
    try {
      const status = JSON.parse(readFileSync(join(this.#inside, 'drive-status.json'), 'utf8'));
      return (status as { current_tape: { name: string } | null }).current_tape?.name;
    } catch {
      return undefined;
    }
  }

  #folder(label: string): string {
    return existsSync(join(this.#inside, `tape-${label}.json`)) ? this.#inside : this.#shelf;
  }

  #move(label: string, from: string, to: string, newLabel = label): void {
    for (const name of readdirSync(from)) {
      const [, kind] =
        /^(tape|tapefile-\d+)-(.*)\.json$/.exec(name)?.[2] === label ? (/^(tape|tapefile-\d+)-/.exec(name) ?? []) : [];
      if (kind !== undefined) renameSync(join(from, name), join(to, `${kind}-${newLabel}.json`));
    }
  }
}
