/** Catalog files and inventory as rows: only what changed since the last time is read. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Installation } from '../config/installation.ts';
import { toFerriteError } from '../errors.ts';
import { poolOf, setLabelOf } from '../media/membership.ts';
import type { CatalogContent, InventoryEntry } from '../native.ts';
import type { CatalogConnection } from './connection.ts';
import { forgetLostListings } from './file_rows.ts';
import type { CatalogProblem } from './problem.ts';
import { parseSnapshotPath } from './snapshot_path.ts';

export interface Synchronized {
  /** Tapes of media sets whose catalog is missing or unreadable. */
  problems: CatalogProblem[];
  /** Paths of catalogs of tapes that the inventory does not know. */
  strangers: string[];
  changed: boolean;
}

/** Reads the catalogs that changed, and forgets those that are gone. */
export async function synchronize(
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
  // Lists of files may be known here alone: they outlive a catalog that is missing until somebody restores it.
  if (problems.length === 0 && forgetLostListings(database)) changed = true;
  return { problems, strangers: await strangers(installation, inventory), changed };
}

async function strangers(installation: Installation, inventory: readonly InventoryEntry[]): Promise<string[]> {
  const known = new Set(inventory.map(({ label }) => basename(installation.paths.catalogFile(label.uuid))));
  const names = await readdir(installation.paths.statusDir).catch(() => []);
  const unknown = names.filter((name) => name.endsWith('.log') && !known.has(name)).sort();
  return unknown.map((name) => join(installation.paths.statusDir, name));
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

/** The inventory as it is now. */
export function importInventory(database: CatalogConnection, inventory: readonly InventoryEntry[]): void {
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
      bytesUsed || null, // 0: its drive does not tell
      set?.encryptionKeyFingerprint ?? null,
      slot,
      expired,
      problem,
    ];
  });
  database.insertRows('media', rows);
}
