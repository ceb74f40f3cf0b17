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
import { poolOf, setLabelOf } from '../media/membership.ts';
import type { CatalogContent, InventoryEntry } from '../native.ts';
import { SCHEMA, SCHEMA_VERSION } from './schema.ts';
import { parseSnapshotPath } from './snapshot_path.ts';

let engine: Promise<SqlJsStatic> | undefined;

function sqlEngine(): Promise<SqlJsStatic> {
  engine ??= initSqlJs();
  return engine;
}

export interface CatalogProblem {
  mediaUuid: string;
  labelText: string;
  path: string;
  /** What it is: `missing`, `empty`, `about another tape`. */
  state?: string;
  /** Why it cannot be read, with its path and what to do about it. */
  error?: string;
}

/** What is wrong, and what a person does about it. */
export function problemText({ labelText, path, state, error }: CatalogProblem): string {
  if (error !== undefined) return `the catalog of tape '${labelText}' cannot be used: ${error}`;
  const command = state === 'missing' ? 'catalog' : 'catalog --force';
  return `the catalog of tape '${labelText}' (${path}) is ${state}: load the tape and run 'proxmox-tape ${command}'`;
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
    const update = await updateCatalog(database, uuid, path, known.get(uuid));
    known.delete(uuid);
    changed ||= update.changed;
    const problem = update.problem ?? membershipProblem(database, entry);
    // Tapes without a set hold nothing that could be missing from an answer.
    if (problem && setLabelOf(entry)) problems.push({ mediaUuid: uuid, labelText, path, ...problem });
  }
  for (const uuid of known.keys()) {
    forget(database, uuid);
    changed = true;
  }
  return { problems, changed };
}

type FoundProblem = Pick<CatalogProblem, 'state' | 'error'>;

/** Reads one catalog file again if it is not the one that was read before (`stored`). */
async function updateCatalog(
  database: Database,
  uuid: string,
  path: string,
  stored: string | undefined,
): Promise<{ changed: boolean; problem?: FoundProblem }> {
  const found = await stat(path).catch(() => undefined);
  if (found && stored === identity(found)) return { changed: false };
  if (stored !== undefined) forget(database, uuid);
  if (!found) return { changed: stored !== undefined, problem: { state: 'missing' } };
  try {
    const { readCatalog } = await import('../native.ts');
    const content = await readCatalog(path);
    if (content.mediaUuid !== uuid) {
      const state = content.mediaUuid === undefined ? 'empty' : `about another tape (${content.mediaUuid})`;
      return { changed: stored !== undefined, problem: { state } };
    }
    importCatalog(database, content, uuid, found);
    return { changed: true };
  } catch (error) {
    return { changed: stored !== undefined, problem: { error: toFerriteError(error).message } };
  }
}

/** A catalog that was not brought along when its tape joined another set names what is no longer there. */
function membershipProblem(database: Database, entry: InventoryEntry): FoundProblem | undefined {
  const set = setLabelOf(entry);
  const rows = database.exec('SELECT media_set_uuid, seq_nr FROM catalog_file WHERE media_uuid = ?', [
    entry.label.uuid,
  ]);
  const [uuid, seqNr] = rows[0]?.values[0] ?? [];
  if (!set || (uuid === set.uuid && seqNr === set.seqNr)) return undefined;
  const described = uuid == null ? 'no media set' : `media set ${uuid}, number ${seqNr}`;
  return { state: `about ${described}, while the inventory says ${set.uuid}, number ${set.seqNr}` };
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

function forget(database: Database, uuid: string): void {
  for (const table of ['catalog_file', 'snapshot', 'archive']) {
    database.run(`DELETE FROM ${table} WHERE media_uuid = ?`, [uuid]);
  }
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
    const { label, location, status } = entry;
    const set = setLabelOf(entry);
    return [
      label.uuid,
      label.labelText,
      label.ctime,
      poolOf(entry) ?? null,
      set?.uuid ?? null,
      set?.seqNr ?? null,
      set?.ctime ?? null,
      location ?? null,
      status ?? null,
    ];
  });
  insertRows(database, 'media', rows);
}
