/**
 * A catalog that answers questions: what programs get from `ferrite-tape/catalog`, and what the offline page works with.
 * It reads a copy in memory; nothing it does changes the file it came from.
 */
import { CatalogConnection, type QueryResult, type SqlJsStatic } from './connection.ts';
import { type DirectoryEntry, type DirectoryPage, findEntry, findPath, listDirectory, type PathStep } from './files.ts';
import { type AffectedSnapshot, affectedSnapshots, type LossRequest } from './impact.ts';
import { type Occurrence, occurrences } from './occurrences.ts';
import { type SearchOptions, type SearchResult, searchNames } from './search.ts';
import {
  type CatalogSnapshot,
  type ChosenSnapshot,
  countSnapshots,
  listArchives,
  listSnapshots,
  neededTapes,
  type RestoreNeeds,
  type SnapshotArchive,
  type SnapshotFilter,
} from './snapshots.ts';
import { type CatalogStatistics, catalogStatistics } from './statistics.ts';
import {
  listMediaSets,
  listPools,
  listTapeFiles,
  listTapes,
  type MediaSetSummary,
  type PoolSummary,
  type TapeFileSummary,
  type TapeFilter,
  type TapeSummary,
} from './tapes.ts';

/** Part of a long list. */
export interface Page {
  limit?: number;
  offset?: number;
}

export class Catalog {
  readonly #connection: CatalogConnection;

  constructor(connection: CatalogConnection) {
    this.#connection = connection;
  }

  /** Opens an exported catalog with a loaded sql.js. Throws a FerriteError for what is none. */
  static open(engine: SqlJsStatic, bytes: Uint8Array): Catalog {
    return new Catalog(CatalogConnection.open(engine, bytes));
  }

  /** When and by what it was exported, and of which part: `exported`, `version`, `scope`. */
  about(): Record<string, string> {
    const rows = this.#connection.rows('SELECT key, value FROM about');
    return Object.fromEntries(rows.map(({ key, value }) => [String(key), String(value)]));
  }

  pools(): PoolSummary[] {
    return listPools(this.#connection);
  }

  /** The newest first. */
  mediaSets(pool?: string): MediaSetSummary[] {
    return listMediaSets(this.#connection, pool);
  }

  tapes(filter?: TapeFilter): TapeSummary[] {
    return listTapes(this.#connection, filter);
  }

  /** In the order of the tape. */
  tapeFiles(mediaUuid: string): TapeFileSummary[] {
    return listTapeFiles(this.#connection, mediaUuid);
  }

  /** The newest first. */
  snapshots(filter?: SnapshotFilter, page?: Page): CatalogSnapshot[] {
    return listSnapshots(this.#connection, filter, page);
  }

  countSnapshots(filter?: SnapshotFilter): number {
    return countSnapshots(this.#connection, filter);
  }

  archives(store: string, path: string): SnapshotArchive[] {
    return listArchives(this.#connection, store, path);
  }

  /** `directory` is the `root` of a snapshot or the `directory` of an entry. */
  directory(directory: number, page?: Page): DirectoryPage {
    return listDirectory(this.#connection, directory, page);
  }

  findEntry(directory: number, name: string): DirectoryEntry | undefined {
    return findEntry(this.#connection, directory, name);
  }

  /** The directories on the way to a path below the `root` of a snapshot. */
  findPath(root: number, path: string): PathStep[] {
    return findPath(this.#connection, root, path);
  }

  /** All places of an entry that a search found. */
  occurrences(entry: number, limit?: number): Occurrence[] {
    return occurrences(this.#connection, entry, limit);
  }

  search(text: string, options?: SearchOptions): SearchResult {
    return searchNames(this.#connection, text, options);
  }

  neededTapes(chosen: readonly ChosenSnapshot[]): RestoreNeeds {
    return neededTapes(this.#connection, chosen);
  }

  affectedSnapshots(request: LossRequest): AffectedSnapshot[] {
    return affectedSnapshots(this.#connection, request);
  }

  statistics(): CatalogStatistics {
    return catalogStatistics(this.#connection);
  }

  /** Any SQL that reads. Throws a FerriteError (`usage`, `bad-query`). */
  query(sql: string, limit?: number): QueryResult {
    return this.#connection.query(sql, limit);
  }

  close(): void {
    this.#connection.close();
  }
}
