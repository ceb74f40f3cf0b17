/** File lists of the snapshots on tape, taken into the catalog database from the datastores that still have the snapshots. */
import type { CatalogDatabase } from '../../catalog/database.ts';
import { FileRows } from '../../catalog/file_rows.ts';
import { fileRanges } from '../../catalog/impact.ts';
import { listDatastores } from '../../config/datastores.ts';
import type { Installation } from '../../config/installation.ts';
import { toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import { collectSet } from '../../media/membership.ts';
import type { ChunkIndex, Datastore, FileList, InventoryEntry, SnapshotShare } from '../../native.ts';
import { withDatastore } from '../datastore/datastores.ts';
import { buildChunkIndex } from '../datastore/snapshot_contents.ts';

/** The key of a backup client, for file lists that it encrypted. */
export interface ClientKey {
  /** The key file. */
  file: Uint8Array;
  /** Unless the key has none. */
  password?: Uint8Array | undefined;
}

export interface FileListRequest {
  entries: readonly InventoryEntry[];
  clientKey?: ClientKey | undefined;
}

/** A snapshot on tape whose files or places are not known yet. */
interface Unlisted {
  store: string;
  path: string;
  /** Its files are to be read. */
  wantsFiles: boolean;
  /** Media sets in which nobody looked for its chunks. */
  wantsShares: string[];
}

/** Resolves with the number of snapshots that were looked into. What a datastore cannot tell stays unknown. */
export async function updateFileLists(
  installation: Installation,
  database: CatalogDatabase,
  request: FileListRequest,
  log: WorkLog,
): Promise<number> {
  const configured = new Set((await listDatastores(installation)).map(({ name }) => name));
  let looked = 0;
  for (const [store, snapshots] of unlisted(database, request.clientKey !== undefined)) {
    if (!configured.has(store)) continue;
    try {
      looked += await withDatastore(installation, store, 'read', log.signal, async ({ store: native }) => {
        const { snapshots: found } = await native.listSnapshots({});
        const finished = new Set(found.filter((snapshot) => snapshot.finished).map(({ path }) => path));
        const wanted = snapshots.filter(({ path }) => finished.has(path));
        return takeFileLists(installation, database, native, wanted, request, log);
      });
    } catch (error) {
      const known = toFerriteError(error);
      if (known.kind === 'aborted' || known.code === 'internal') throw known;
      log.warn(`the files of snapshots in datastore '${store}' cannot be listed: ${known.message}`);
    }
  }
  if (looked > 0) await database.save();
  return looked;
}

/** By datastore. A list that could not be read is tried again; one that is encrypted, where there is a key now. */
function unlisted(database: CatalogDatabase, withKey: boolean): Map<string, Unlisted[]> {
  const rows = database.query(
    `SELECT snapshot.store, snapshot.path, media.media_set_uuid,
      listing.state IS NULL OR listing.state = 'damaged' OR (:withKey AND listing.state = 'encrypted') AS wants_files,
      NOT EXISTS (SELECT 1 FROM share
        WHERE share.listing = listing.id AND share.media_set_uuid = media.media_set_uuid) AS wants_shares
    FROM snapshot JOIN media ON media.uuid = snapshot.media_uuid
    LEFT JOIN listing ON listing.store = snapshot.store AND listing.path = snapshot.path
    WHERE media.media_set_uuid IS NOT NULL
    ORDER BY snapshot.store, snapshot.backup_time, snapshot.path`,
    { ':withKey': withKey ? 1 : 0 },
  );
  const byStore = new Map<string, Map<string, Unlisted>>();
  for (const row of rows) {
    const [store, path] = [String(row.store), String(row.path)];
    const wantsShares = Number(row.wants_shares) === 1;
    if (Number(row.wants_files) === 0 && !wantsShares) continue;
    const snapshots = byStore.get(store) ?? new Map<string, Unlisted>();
    byStore.set(store, snapshots);
    const snapshot = snapshots.get(path) ?? { store, path, wantsFiles: Number(row.wants_files) === 1, wantsShares: [] };
    if (wantsShares) snapshot.wantsShares.push(String(row.media_set_uuid));
    snapshots.set(path, snapshot);
  }
  return new Map([...byStore].map(([store, snapshots]) => [store, [...snapshots.values()]]));
}

/** `source` is a datastore, or a folder like one that a scan of a tape filled. */
export async function takeFileLists(
  installation: Installation,
  database: CatalogDatabase,
  source: Datastore,
  snapshots: readonly Unlisted[],
  request: FileListRequest,
  log: WorkLog,
): Promise<number> {
  const indexes = new ChunkIndexes(installation, request.entries, log);
  let looked = 0;
  try {
    for (const [number, snapshot] of snapshots.entries()) {
      log.signal.throwIfAborted();
      log.progress({ activity: `${snapshot.store}:${snapshot.path}`, fraction: number / snapshots.length });
      try {
        if (snapshot.wantsFiles) await takeFileList(database, source, snapshot, request.clientKey);
        for (const mediaSet of snapshot.wantsShares) await takeShares(database, source, snapshot, mediaSet, indexes);
        looked++;
      } catch (error) {
        const known = toFerriteError(error);
        if (known.kind === 'aborted' || known.code === 'internal' || known.code === 'client-key') throw known;
        log.warn(`snapshot ${snapshot.store}:${snapshot.path}: ${known.message}`);
      }
    }
  } finally {
    indexes.close();
  }
  return looked;
}

async function takeFileList(
  database: CatalogDatabase,
  source: Datastore,
  { store, path }: Unlisted,
  key: ClientKey | undefined,
): Promise<void> {
  const list = await source.fileList({
    snapshot: path,
    ...(key && { clientKey: Buffer.from(key.file) }),
    ...(key?.password && { password: Buffer.from(key.password) }),
  });
  try {
    await storeFileList(database, store, path, list);
  } finally {
    list.close();
  }
}

/** All of a list or, if it is damaged, that it is. */
async function storeFileList(database: CatalogDatabase, store: string, path: string, list: FileList): Promise<void> {
  const { connection } = database;
  connection.run('BEGIN');
  const rows = new FileRows(connection);
  try {
    for (let page = await list.next(); page !== null; page = await list.next()) rows.add(page);
    insertListing(database, { store, path, state: list.state, root: rows.root, archives: list.archives });
    connection.run('COMMIT');
  } catch (error) {
    connection.run('ROLLBACK');
    const known = toFerriteError(error);
    if (known.kind !== 'data') throw known;
    const message = known.message;
    insertListing(database, { store, path, state: 'damaged', message, root: undefined, archives: list.archives });
    throw known;
  } finally {
    rows.free();
  }
}

interface ListingRow {
  store: string;
  path: string;
  state: FileList['state'] | 'damaged';
  message?: string;
  root: number | undefined;
  archives: FileList['archives'];
}

function insertListing(
  { connection }: CatalogDatabase,
  { store, path, state, message, root, archives }: ListingRow,
): void {
  connection.run(
    `INSERT INTO listing (store, path, state, message, root) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (store, path) DO UPDATE SET state = excluded.state, message = excluded.message, root = excluded.root`,
    [store, path, state, message ?? null, root ?? null],
  );
  const [row] = connection.rows('SELECT id FROM listing WHERE store = :store AND path = :path', {
    ':store': store,
    ':path': path,
  });
  const files = archives.map(({ filename, size, cryptMode }, position) => [
    Number(row?.id),
    position,
    filename,
    size,
    cryptMode,
  ]);
  connection.run('DELETE FROM snapshot_file WHERE listing = ?', [Number(row?.id)]);
  connection.insertRows('snapshot_file', files);
}

async function takeShares(
  database: CatalogDatabase,
  source: Datastore,
  { store, path }: Unlisted,
  mediaSet: string,
  indexes: ChunkIndexes,
): Promise<void> {
  const index = await indexes.open(mediaSet);
  if (!index) return;
  const shares = await source.snapshotShares(path, index, store);
  const [row] = database.query('SELECT id FROM listing WHERE store = :store AND path = :path', {
    ':store': store,
    ':path': path,
  });
  if (!row) return;
  const rows = [...byTape(shares)].map(([media, found]) => [
    Number(row.id),
    mediaSet,
    media,
    found.reduce((sum, { chunks }) => sum + chunks, 0),
    found.reduce((sum, { bytes }) => sum + bytes, 0),
    fileRanges(found.flatMap(({ fileNumber }) => fileNumber ?? [])) ?? null,
  ]);
  database.connection.insertRows('share', rows);
}

function byTape(shares: readonly SnapshotShare[]): Map<string, SnapshotShare[]> {
  const tapes = new Map<string, SnapshotShare[]>();
  for (const share of shares) {
    const media = share.mediaUuid ?? '';
    tapes.set(media, [...(tapes.get(media) ?? []), share]);
  }
  return tapes;
}

/** Chunk indexes of media sets, each opened once. A set whose catalogs cannot be used has none. */
class ChunkIndexes {
  readonly #installation: Installation;
  readonly #entries: readonly InventoryEntry[];
  readonly #log: WorkLog;
  readonly #open = new Map<string, ChunkIndex | undefined>();

  constructor(installation: Installation, entries: readonly InventoryEntry[], log: WorkLog) {
    this.#installation = installation;
    this.#entries = entries;
    this.#log = log;
  }

  async open(mediaSet: string): Promise<ChunkIndex | undefined> {
    if (!this.#open.has(mediaSet)) this.#open.set(mediaSet, await this.#build(mediaSet));
    return this.#open.get(mediaSet);
  }

  async #build(mediaSet: string): Promise<ChunkIndex | undefined> {
    const { members } = collectSet(this.#entries, mediaSet);
    const inOrder = [...members].sort(([a], [b]) => a - b).map(([, uuid]) => uuid);
    try {
      return await buildChunkIndex(this.#installation, mediaSet, inOrder);
    } catch (error) {
      const known = toFerriteError(error);
      if (known.code === 'internal') throw known;
      this.#log.warn(`on which tapes of media set ${mediaSet} the snapshots lie cannot be told: ${known.message}`);
      return undefined;
    }
  }

  close(): void {
    for (const index of this.#open.values()) index?.close();
  }
}
