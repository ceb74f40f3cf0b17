/**
 * The catalog database: what lies on which tape, for questions in SQL.
 *
 * It is built from PBS's media catalog files and the inventory, kept as one file in the cache directory, and brought up to
 * date file by file when it is opened: only catalogs that changed are read again. With file lists it is another, larger
 * file, so that questions about snapshots alone stay cheap.
 */
import type { Installation } from '../config/installation.ts';
import { FerriteError, toFerriteError } from '../errors.ts';
import type { InventoryEntry } from '../native.ts';
import { CacheFile } from './cache_file.ts';
import type { CatalogConnection, Row, SqlParameters } from './connection.ts';
import { type CatalogProblem, problemText } from './problem.ts';
import { importInventory, type Synchronized, synchronize } from './synchronize.ts';

/** Which of the two databases. */
export interface CatalogScope {
  /** With the file lists of snapshots. */
  files?: boolean;
}

export class CatalogDatabase {
  readonly connection: CatalogConnection;
  /** Tapes of media sets whose catalog is missing or unreadable: questions about them have no answer. */
  readonly problems: readonly CatalogProblem[];
  /** Paths of catalogs of tapes that the inventory does not know. */
  readonly strangers: readonly string[];
  /** What became of the cached file, where it could not be used. */
  readonly notice: string | undefined;
  readonly #file: CacheFile;

  private constructor(connection: CatalogConnection, file: CacheFile, { problems, strangers }: Synchronized) {
    this.connection = connection;
    this.problems = problems;
    this.strangers = strangers;
    this.notice = file.notice;
    this.#file = file;
  }

  /**
   * Opens the cached database, brings it up to date with the inventory and the catalog files, and closes it when `work` is
   * done. When the cached file turns out to be damaged on the way, `work` is done again with a new one.
   */
  static async use<T>(
    installation: Installation,
    inventory: readonly InventoryEntry[],
    { files = false }: CatalogScope,
    work: (database: CatalogDatabase) => T | Promise<T>,
  ): Promise<T> {
    const file = new CacheFile(installation, files ? 'catalog-files.sqlite' : 'catalog.sqlite');
    try {
      return await CatalogDatabase.#once(installation, inventory, file, work);
    } catch (error) {
      const known = toFerriteError(error);
      if (known.code !== 'catalog-damaged') throw error;
      await file.setAside(known);
      return CatalogDatabase.#once(installation, inventory, file, work);
    }
  }

  static async #once<T>(
    installation: Installation,
    inventory: readonly InventoryEntry[],
    file: CacheFile,
    work: (database: CatalogDatabase) => T | Promise<T>,
  ): Promise<T> {
    const connection = await file.open();
    try {
      const synchronized = await synchronize(installation, connection, inventory);
      if (synchronized.changed) await file.write(connection);
      importInventory(connection, inventory);
      return await work(new CatalogDatabase(connection, file, synchronized));
    } finally {
      connection.close();
    }
  }

  /** All rows of a query. Parameters are named: `:pool`. */
  query(text: string, parameters: SqlParameters = {}): Row[] {
    return this.connection.rows(text, parameters);
  }

  /**
   * Throws a FerriteError (`data`, `catalog-unusable`) if the catalog of one of these tapes (media UUIDs) is missing or
   * unreadable: an answer about them would be short without a word.
   */
  requireUsable(media: ReadonlySet<string>): void {
    const problem = this.problems.find(({ mediaUuid }) => media.has(mediaUuid));
    if (problem) throw new FerriteError('data', 'catalog-unusable', problemText(problem));
  }

  /** Keeps what was added to it. */
  save(): Promise<void> {
    return this.#file.write(this.connection);
  }
}
