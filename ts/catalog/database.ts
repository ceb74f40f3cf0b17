/**
 * The catalog database: what lies on which tape, for questions in SQL.
 *
 * It is built from PBS's media catalog files and the inventory, kept as one file in the cache directory, and brought up to
 * date file by file when it is opened: only catalogs that changed are read again. With file lists it is another, larger
 * file, so that questions about snapshots alone stay cheap.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ensureDirectory, type Installation } from '../config/installation.ts';
import { replaceFile } from '../config/replace_file.ts';
import { FerriteError, toFerriteError } from '../errors.ts';
import { poolOf, setLabelOf } from '../media/membership.ts';
import type { CatalogContent, InventoryEntry } from '../native.ts';
import { CatalogConnection, checkSize, type Row, type SqlParameters } from './connection.ts';
import { sqlEngine } from './engine.ts';
import { forgetLostListings } from './file_rows.ts';
import { parseSnapshotPath } from './snapshot_path.ts';

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

/** Which of the two databases. */
export interface CatalogScope {
  /** With the file lists of snapshots. */
  files?: boolean;
}

export class CatalogDatabase {
  readonly connection: CatalogConnection;
  /** Tapes of media sets whose catalog is missing or unreadable: questions about them have no answer. */
  readonly problems: readonly CatalogProblem[];
  /** Catalog files of tapes that the inventory does not know. */
  readonly strangers: readonly string[];
  readonly #save: () => Promise<void>;

  private constructor(
    connection: CatalogConnection,
    { problems, strangers }: Pick<Synchronized, 'problems' | 'strangers'>,
    save: () => Promise<void>,
  ) {
    this.connection = connection;
    this.problems = problems;
    this.strangers = strangers;
    this.#save = save;
  }

  /** Opens the cached database and brings it up to date with the inventory and the catalog files. */
  static async open(
    installation: Installation,
    inventory: readonly InventoryEntry[],
    { files = false }: CatalogScope = {},
  ): Promise<CatalogDatabase> {
    const file = join(installation.paths.cacheDir, files ? 'catalog-files.sqlite' : 'catalog.sqlite');
    const { connection, replaceable } = await openCached(file);
    const synchronized = await synchronize(installation, connection, inventory);
    const save = () => (replaceable ? write(installation, connection, file) : Promise.resolve());
    if (synchronized.changed) await save();
    importInventory(connection, inventory);
    return new CatalogDatabase(connection, synchronized, save);
  }

  /** All rows of a query. Parameters are named: `:pool`. */
  query(text: string, parameters: SqlParameters = {}): Row[] {
    return this.connection.rows(text, parameters);
  }

  /** Keeps what was added to it. */
  save(): Promise<void> {
    return this.#save();
  }

  close(): void {
    this.connection.close();
  }
}

/**
 * An empty one where there is none, or a damaged or foreign one: it is derived data, so it is built again. That of a newer
 * Ferrite is left alone.
 */
async function openCached(file: string): Promise<{ connection: CatalogConnection; replaceable: boolean }> {
  const engine = await sqlEngine();
  let replaceable = true;
  try {
    checkSize((await stat(file)).size);
    return { connection: CatalogConnection.open(engine, await readFile(file)), replaceable };
  } catch (error) {
    replaceable = !(error instanceof FerriteError && error.code === 'newer-schema');
  }
  return { connection: CatalogConnection.create(engine), replaceable };
}

async function write(installation: Installation, connection: CatalogConnection, file: string): Promise<void> {
  try {
    await ensureDirectory(installation, installation.paths.cacheDir);
    await replaceFile(installation, file, connection.export(), { mode: 0o640, owner: installation.owner });
  } catch (error) {
    // A cache that cannot be written costs time, not answers (e.g. a reader without write permission).
    const { kind } = toFerriteError(error);
    if (kind !== 'system') throw error;
  }
}

interface Synchronized {
  problems: CatalogProblem[];
  strangers: string[];
  changed: boolean;
}

async function synchronize(
  installation: Installation,
  database: CatalogConnection,
  inventory: readonly InventoryEntry[],
): Promise<Synchronized> {
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
  if (changed) forgetLostListings(database);
  return { problems, strangers: await strangers(installation, inventory), changed };
}

async function strangers(installation: Installation, inventory: readonly InventoryEntry[]): Promise<string[]> {
  const known = new Set(inventory.map(({ label }) => basename(installation.paths.catalogFile(label.uuid))));
  const names = await readdir(installation.paths.statusDir).catch(() => []);
  return names.filter((name) => name.endsWith('.log') && !known.has(name)).sort();
}

type FoundProblem = Pick<CatalogProblem, 'state' | 'error'>;

/** Reads one catalog file again if it is not the one that was read before (`stored`). */
async function updateCatalog(
  database: CatalogConnection,
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
function membershipProblem(database: CatalogConnection, entry: InventoryEntry): FoundProblem | undefined {
  const set = setLabelOf(entry);
  const [row] = database.rows('SELECT media_set_uuid, seq_nr FROM catalog_file WHERE media_uuid = :uuid', {
    ':uuid': entry.label.uuid,
  });
  const { media_set_uuid: uuid, seq_nr: seqNr } = row ?? {};
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

function knownFiles(database: CatalogConnection): Map<string, string> {
  const rows = database.rows('SELECT media_uuid, inode, size, mtime_ms FROM catalog_file');
  return new Map(
    rows.map(({ media_uuid: uuid, inode, size, mtime_ms: mtimeMs }) => [
      String(uuid),
      identity({ ino: Number(inode), size: Number(size), mtimeMs: Number(mtimeMs) }),
    ]),
  );
}

function forget(database: CatalogConnection, uuid: string): void {
  for (const table of ['catalog_file', 'snapshot', 'archive']) {
    database.run(`DELETE FROM ${table} WHERE media_uuid = ?`, [uuid]);
  }
}

/** All of one catalog file or, if it holds something that does not parse, nothing of it. */
function importCatalog(database: CatalogConnection, content: CatalogContent, uuid: string, file: FileIdentity): void {
  database.transaction(() => insertCatalog(database, content, uuid, file));
}

function insertCatalog(database: CatalogConnection, content: CatalogContent, uuid: string, file: FileIdentity): void {
  const { mediaSetUuid, seqNr } = content;
  const fileRow = [uuid, file.ino, file.size, file.mtimeMs, mediaSetUuid ?? null, seqNr ?? null];
  database.insertRows('catalog_file', [fileRow]);
  // A snapshot or archive that a catalog names twice counts with its last place (tape-format.md 7.3).
  const snapshots = content.snapshots.map(({ store, snapshot, fileNumber, uuid: contentUuid }) => {
    const { namespace, backupType, backupId, backupTime } = parseSnapshotPath(snapshot);
    return [uuid, fileNumber, contentUuid, store, snapshot, namespace, backupType, backupId, backupTime];
  });
  database.insertRows('snapshot', snapshots);
  const archives = content.archives.map((archive) => [
    uuid,
    archive.fileNumber,
    archive.uuid,
    archive.store,
    archive.chunks,
  ]);
  database.insertRows('archive', archives);
}

function importInventory(database: CatalogConnection, inventory: readonly InventoryEntry[]): void {
  database.run('DELETE FROM media');
  const rows = inventory.map((entry) => {
    const { label, location, status, bytesUsed } = entry;
    const set = setLabelOf(entry);
    const [slot, expired, problem] = [null, 0, null]; // what only other files and devices know
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
      bytesUsed ?? null,
      set?.encryptionKeyFingerprint ?? null,
      slot,
      expired,
      problem,
    ];
  });
  database.insertRows('media', rows);
}
