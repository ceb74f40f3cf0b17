/**
 * The catalog database: what lies on which tape, for questions in SQL.
 *
 * It is built from PBS's media catalog files and the inventory, kept as one file in the cache directory, and brought up to
 * date file by file when it is opened: only catalogs that changed are read again.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import initSqlJs, { type Database, type SqlJsStatic, type SqlValue } from 'sql.js';
import { ensureDirectory, type Installation } from '../config/installation.ts';
import { replaceFile } from '../config/replace_file.ts';
import { toFerriteError } from '../errors.ts';
import type { CatalogContent, InventoryEntry } from '../native.ts';
import { SCHEMA, SCHEMA_VERSION } from './schema.ts';
import { parseSnapshotPath } from './snapshot_path.ts';

const NO_SET = '00000000-0000-0000-0000-000000000000';

let engine: Promise<SqlJsStatic> | undefined;

function sqlEngine(): Promise<SqlJsStatic> {
  engine ??= initSqlJs();
  return engine;
}

export interface CatalogProblem {
  mediaUuid: string;
  labelText: string;
  path: string;
  /** `missing`, or what is wrong with the file. */
  reason: string;
}

/** Rows as objects, column names as keys. */
export type Row = Record<string, SqlValue>;

export class CatalogDatabase {
  readonly #database: Database;
  /** Tapes of media sets whose catalog is missing or unreadable: questions about them have no answer. */
  readonly problems: readonly CatalogProblem[];

  private constructor(database: Database, problems: CatalogProblem[]) {
    this.#database = database;
    this.problems = problems;
  }

  /** Opens the cached database and brings it up to date with the inventory and the catalog files. */
  static async open(installation: Installation, inventory: readonly InventoryEntry[]): Promise<CatalogDatabase> {
    const sql = await sqlEngine();
    const file = join(installation.paths.cacheDir, 'catalog.sqlite');
    const cached = await openCached(sql, file);
    const database = cached ?? new sql.Database();
    if (!cached) database.run(SCHEMA);
    const { problems, changed } = await synchronize(installation, database, inventory);
    if (changed) await save(installation, database, file);
    importInventory(database, inventory);
    return new CatalogDatabase(database, problems);
  }

  /** All rows of a query. Parameters are named: `:pool`. */
  query(text: string, parameters: Record<string, SqlValue> = {}): Row[] {
    const statement = this.#database.prepare(text, parameters);
    try {
      const rows: Row[] = [];
      while (statement.step()) rows.push(statement.getAsObject());
      return rows;
    } finally {
      statement.free();
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** `undefined` where there is none, or one of another version or damaged: it is derived data, so it is built again. */
async function openCached(sql: SqlJsStatic, file: string): Promise<Database | undefined> {
  try {
    const database = new sql.Database(await readFile(file));
    const version = database.exec('PRAGMA user_version')[0]?.values[0]?.[0];
    if (version === SCHEMA_VERSION) return database;
    database.close();
  } catch {
    // missing, unreadable or no SQLite file
  }
  return undefined;
}

async function save(installation: Installation, database: Database, file: string): Promise<void> {
  try {
    await ensureDirectory(installation, installation.paths.cacheDir);
    await replaceFile(installation, file, database.export(), { mode: 0o640, owner: installation.owner });
  } catch (error) {
    // A cache that cannot be written costs time, not answers (e.g. a reader without write permission).
    const { kind } = toFerriteError(error);
    if (kind !== 'system') throw error;
  }
}

async function synchronize(
  installation: Installation,
  database: Database,
  inventory: readonly InventoryEntry[],
): Promise<{ problems: CatalogProblem[]; changed: boolean }> {
  const problems: CatalogProblem[] = [];
  const known = knownFiles(database);
  let changed = false;
  for (const entry of inventory) {
    const { uuid, labelText } = entry.label;
    const path = installation.paths.catalogFile(uuid);
    const stored = known.get(uuid);
    known.delete(uuid);
    const problem = (reason: string): void => {
      if (hasSet(entry)) problems.push({ mediaUuid: uuid, labelText, path, reason });
    };
    const found = await stat(path).catch(() => undefined);
    if (!found) {
      if (stored) changed = forget(database, uuid);
      problem('missing');
      continue;
    }
    if (stored === identity(found)) continue;
    changed = forget(database, uuid);
    try {
      const { readCatalog } = await import('../native.ts');
      importCatalog(database, await readCatalog(path), uuid, found);
    } catch (error) {
      problem(toFerriteError(error).message);
    }
  }
  for (const uuid of known.keys()) changed = forget(database, uuid);
  return { problems, changed };
}

interface FileIdentity {
  ino: number;
  size: number;
  mtimeMs: number;
}

const identity = (file: FileIdentity): string => `${file.ino}-${file.size}-${file.mtimeMs}`;

function knownFiles(database: Database): Map<string, string> {
  const rows = database.exec('SELECT media_uuid, inode, size, mtime_ms FROM catalog_file')[0]?.values ?? [];
  return new Map(
    rows.map(([uuid, ino, size, mtimeMs]) => [
      String(uuid),
      identity({ ino: Number(ino), size: Number(size), mtimeMs: Number(mtimeMs) }),
    ]),
  );
}

function hasSet(entry: InventoryEntry): boolean {
  return entry.mediaSetLabel !== undefined && entry.mediaSetLabel.uuid !== NO_SET;
}

function forget(database: Database, uuid: string): true {
  for (const table of ['catalog_file', 'snapshot', 'archive']) {
    database.run(`DELETE FROM ${table} WHERE media_uuid = ?`, [uuid]);
  }
  return true;
}

/** All of one catalog file or, if it holds something that does not parse, nothing of it. */
function importCatalog(database: Database, content: CatalogContent, uuid: string, file: FileIdentity): void {
  database.run('BEGIN');
  try {
    insertCatalog(database, content, uuid, file);
    database.run('COMMIT');
  } catch (error) {
    database.run('ROLLBACK');
    throw error;
  }
}

function insertCatalog(database: Database, content: CatalogContent, uuid: string, file: FileIdentity): void {
  const { mediaSetUuid, seqNr } = content;
  const fileRow = [uuid, file.ino, file.size, file.mtimeMs, mediaSetUuid ?? null, seqNr ?? null];
  insertRows(database, 'catalog_file', [fileRow]);
  // A snapshot or archive that a catalog names twice counts with its last place (tape-format.md 7.3).
  const snapshots = content.snapshots.map(({ store, snapshot, fileNumber, uuid: contentUuid }) => {
    const { namespace, backupType, backupId, backupTime } = parseSnapshotPath(snapshot);
    return [uuid, fileNumber, contentUuid, store, snapshot, namespace, backupType, backupId, backupTime];
  });
  insertRows(database, 'snapshot', snapshots);
  const archives = content.archives.map((archive) => [
    uuid,
    archive.fileNumber,
    archive.uuid,
    archive.store,
    archive.chunks,
  ]);
  insertRows(database, 'archive', archives);
}

function insertRows(database: Database, table: string, rows: readonly SqlValue[][]): void {
  const places = (rows[0] ?? []).map(() => '?').join(', ');
  if (places === '') return;
  const insert = database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (${places})`);
  try {
    for (const row of rows) insert.run(row);
  } finally {
    insert.free();
  }
}

function importInventory(database: Database, inventory: readonly InventoryEntry[]): void {
  database.run('DELETE FROM media');
  const rows = inventory.map((entry) => {
    const { label, location, status, mediaSetLabel } = entry;
    const set = hasSet(entry) ? mediaSetLabel : undefined;
    return [
      label.uuid,
      label.labelText,
      label.ctime,
      mediaSetLabel?.pool ?? label.pool ?? null,
      set?.uuid ?? null,
      set?.seqNr ?? null,
      set?.ctime ?? null,
      location ?? null,
      status ?? null,
    ];
  });
  insertRows(database, 'media', rows);
}
