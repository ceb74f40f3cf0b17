/**
 * File lists as rows. A directory that an earlier snapshot had in the same state is stored once: the daily backups of one
 * machine cost what changed between them.
 */
import type { CatalogConnection } from './connection.ts';

/** Some directories of a list, in columns (the native `FileListPage`). */
export interface FilePage {
  /** 16 bytes for each directory. */
  readonly digests: Uint8Array;
  readonly entryCounts: Uint32Array;
  /** Each followed by a NUL. */
  readonly names: string;
  /** One letter for each entry. */
  readonly kinds: string;
  readonly sizes: Float64Array;
  readonly mtimes: Float64Array;
  /** Of each entry that is a directory: its number, over all pages. */
  readonly children: Uint32Array;
}

const DIGEST_BYTES = 16;

interface StoredDirectory {
  id: number;
  /** At and below it. */
  files: number;
  bytes: number;
}

/** Takes the pages of one list in order. Everything belongs into one transaction. */
export class FileRows {
  readonly #connection: CatalogConnection;
  readonly #find: ReturnType<CatalogConnection['prepare']>;
  readonly #insertEntry: ReturnType<CatalogConnection['prepare']>;
  readonly #insertDirectory: ReturnType<CatalogConnection['prepare']>;
  readonly #directories: StoredDirectory[] = [];
  #nextEntry: number;
  #nextDirectory: number;

  constructor(connection: CatalogConnection) {
    this.#connection = connection;
    this.#find = connection.prepare('SELECT id, files, bytes FROM directory WHERE digest = ?');
    this.#insertEntry = connection.prepare('INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#insertDirectory = connection.prepare('INSERT INTO directory VALUES (?, ?, ?, ?, ?, ?)');
    this.#nextEntry = this.#next('entry');
    this.#nextDirectory = this.#next('directory');
  }

  #next(table: string): number {
    return Number(this.#connection.rows(`SELECT coalesce(max(id), 0) + 1 AS id FROM ${table}`)[0]?.id);
  }

  add(page: FilePage): void {
    this.#connection.guarded(() => this.#add(page));
  }

  #add(page: FilePage): void {
    const names = page.names.split('\0');
    let from = 0;
    for (const [number, count] of page.entryCounts.entries()) {
      const digest = page.digests.subarray(number * DIGEST_BYTES, (number + 1) * DIGEST_BYTES);
      const [id, files, bytes] = this.#find.get([digest]);
      this.#directories.push(
        id === undefined
          ? this.#insert(page, names, digest, from, count)
          : { id: Number(id), files: Number(files), bytes: Number(bytes) },
      );
      from += count;
    }
    this.#find.reset();
  }

  #insert(page: FilePage, names: readonly string[], digest: Uint8Array, from: number, count: number): StoredDirectory {
    const directory = { id: this.#nextDirectory++, files: 0, bytes: 0 };
    const first = this.#nextEntry;
    for (let at = from; at < from + count; at++) {
      const kind = page.kinds[at] ?? '';
      const child = kind === 'd' ? this.#directories[page.children[at] ?? 0] : undefined;
      const isFile = kind === 'f';
      const [size, mtime] = isFile ? [page.sizes[at] ?? 0, page.mtimes[at] ?? 0] : [null, null];
      directory.files += child?.files ?? 1;
      directory.bytes += child?.bytes ?? size ?? 0;
      this.#insertEntry.run([this.#nextEntry++, directory.id, kind, names[at] ?? '', size, mtime, child?.id ?? null]);
    }
    this.#insertDirectory.run([directory.id, digest, first, count, directory.files, directory.bytes]);
    return directory;
  }

  /** Id of the root: the last directory of the list. */
  get root(): number | undefined {
    return this.#directories.at(-1)?.id;
  }

  free(): void {
    for (const statement of [this.#find, this.#insertEntry, this.#insertDirectory]) statement.free();
  }
}

/** Listings of snapshots that are on no known tape any more, and directories that only they had. Tells whether there were any. */
export function forgetLostListings(connection: CatalogConnection): boolean {
  const lost = `SELECT id FROM listing
    WHERE NOT EXISTS (SELECT 1 FROM snapshot WHERE snapshot.store = listing.store AND snapshot.path = listing.path)`;
  if (connection.rows(`${lost} LIMIT 1`).length === 0) return false;
  connection.transaction(() => {
    for (const table of ['snapshot_file', 'share']) connection.run(`DELETE FROM ${table} WHERE listing IN (${lost})`);
    connection.run(`DELETE FROM listing WHERE id IN (${lost})`);
    connection.run(`CREATE TEMP TABLE reachable AS
      WITH RECURSIVE below(id) AS (
        SELECT root FROM listing WHERE root IS NOT NULL
        UNION
        SELECT entry.child FROM below JOIN directory ON directory.id = below.id
          JOIN entry ON entry.id BETWEEN directory.first AND directory.first + directory.entries - 1
          WHERE entry.child IS NOT NULL
      ) SELECT id FROM below`);
    connection.run('DELETE FROM entry WHERE directory NOT IN (SELECT id FROM reachable)');
    connection.run('DELETE FROM directory WHERE id NOT IN (SELECT id FROM reachable)');
    connection.run('DROP TABLE reachable');
  });
  return true;
}
