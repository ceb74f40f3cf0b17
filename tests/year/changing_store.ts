/** A datastore that changes day by day: new snapshots of a few groups, most of their chunks old ones, and old snapshots removed. */
import { createCipheriv, createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatastore } from '../../ts/config/datastores.ts';
import type { Installation } from '../../ts/config/installation.ts';
import { importSnapshot } from '../../ts/index.ts';
import { RecordingObserver } from '../recording_observer.ts';

const GROUPS = ['vm/100', 'vm/101', 'host/a'];
const CHUNKS_OF_SNAPSHOT = 3;
const SNAPSHOTS_KEPT = 3;
const CHUNK_BYTES = 40_000;

/** Bytes that do not compress, the same for the same name. */
function content(name: string): Buffer {
  const key = createHash('sha256').update(name).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(CHUNK_BYTES));
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export class ChangingStore {
  readonly name = 'store1';
  readonly path: string;
  /** Chunk digests of every snapshot there ever was. */
  readonly chunks = new Map<string, readonly string[]>();
  /** Snapshots that are there now. */
  readonly present: string[] = [];
  readonly #installation: Installation;
  readonly #random: () => number;
  readonly #disks = new Map<string, string[]>(GROUPS.map((group) => [group, []]));

  constructor(installation: Installation, root: string, random: () => number) {
    this.#installation = installation;
    this.#random = random;
    this.path = join(root, 'store1');
  }

  async create(): Promise<void> {
    await makeStore(this.#installation, this.name, this.path);
  }

  /** One day passes: one or two groups get a snapshot. */
  async change(now: number): Promise<void> {
    const count = this.present.length === 0 ? GROUPS.length : 1 + Math.floor(this.#random() * 1.3);
    const groups = [...GROUPS].sort(() => this.#random() - 0.5).slice(0, count);
    for (const group of groups) await this.#addSnapshot(group, now);
  }

  /** The files of a snapshot as they were when it was made. */
  original(snapshot: string): string {
    return join(this.path, '..', 'originals', snapshot);
  }

  async #addSnapshot(group: string, now: number): Promise<void> {
    const disk = this.#disks.get(group) ?? [];
    const changed = Math.floor(this.#random() * CHUNKS_OF_SNAPSHOT);
    for (let at = 0; at < CHUNKS_OF_SNAPSHOT; at++) {
      if (at <= changed || disk[at] === undefined) disk[at] = `${group}-${at}-${now}`;
    }
    this.#disks.set(group, disk);
    const images = join(this.path, '..', 'images');
    mkdirSync(images, { recursive: true });
    const bytes = disk.map(content);
    const digests = bytes.map(digestOf);
    for (const digest of digests) mkdirSync(join(this.path, '.chunks', digest.slice(0, 4)), { recursive: true });
    const archives = bytes.map((part, number) => {
      const image = join(images, `disk${number}`);
      writeFileSync(image, part);
      return `disk${number}.img:${image}`;
    });
    const request = { store: this.name, group, time: now, archives };
    const { snapshot } = await importSnapshot(this.#installation, request, new RecordingObserver());
    this.chunks.set(snapshot, digests);
    this.present.push(snapshot);
    cpSync(join(this.path, snapshot), this.original(snapshot), { recursive: true });
    const old = this.present.filter((path) => path.startsWith(`${group}/`)).slice(0, -SNAPSHOTS_KEPT);
    for (const path of old) {
      rmSync(join(this.path, path), { recursive: true });
      this.present.splice(this.present.indexOf(path), 1);
    }
  }
}

/** Without the 65,536 folders for chunks that it may never get. */
export async function makeStore(installation: Installation, name: string, path: string): Promise<void> {
  await createDatastore(installation, { name, path }, async (base) => {
    mkdirSync(join(base, '.chunks'), { recursive: true });
    writeFileSync(join(base, '.lock'), '');
  });
}

/** What of a restored snapshot is not as it was, file by file and chunk by chunk; an empty list is what one wants. */
export function differences(store: ChangingStore, target: string, snapshot: string): string[] {
  const found: string[] = [];
  const original = store.original(snapshot);
  for (const name of readdirSync(original)) {
    const same = (() => {
      try {
        return readFileSync(join(original, name)).equals(readFileSync(join(target, snapshot, name)));
      } catch {
        return false;
      }
    })();
    if (!same) found.push(`${snapshot}/${name}`);
  }
  for (const digest of store.chunks.get(snapshot) ?? []) {
    const path = join('.chunks', digest.slice(0, 4), digest);
    const restored = readFileSync(join(target, path));
    if (!restored.equals(readFileSync(join(store.path, path)))) found.push(`${snapshot}: chunk ${digest}`);
  }
  return found;
}
