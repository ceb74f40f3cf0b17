/** File lists of the snapshots on tape, taken into the catalog database from the datastores that still have the snapshots. */
import type { CatalogDatabase } from '../../catalog/database.ts';
import { listDatastores } from '../../config/datastores.ts';
import type { Installation } from '../../config/installation.ts';
import { type FerriteError, toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { Datastore, InventoryEntry } from '../../native.ts';
import { withDatastore } from '../datastore/datastores.ts';
import { type ClientKey, takeListing } from './listings.ts';
import { openSetIndex, takeShares } from './shares.ts';

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
      const known = bearable(error);
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

/** `source` is a datastore, or a folder like one that a scan of a tape filled. Resolves with the number of whole answers. */
export async function takeFileLists(
  installation: Installation,
  database: CatalogDatabase,
  source: Datastore,
  snapshots: readonly Unlisted[],
  request: FileListRequest,
  log: WorkLog,
): Promise<number> {
  let locked = 0;
  const unread = await eachSnapshot(snapshots, log, async (snapshot) => {
    if (!snapshot.wantsFiles) return;
    const state = await takeListing(database, source, snapshot, request.clientKey);
    if (state === 'encrypted' && request.clientKey) locked++;
  });
  if (locked > 0) {
    log.warn(`lists of files that were encrypted with another key than the given one, and stay closed: ${locked}`);
  }
  const readable = snapshots.filter((snapshot) => !unread.has(snapshot));
  for (const mediaSet of new Set(readable.flatMap(({ wantsShares }) => wantsShares))) {
    const wanted = readable.filter(({ wantsShares }) => wantsShares.includes(mediaSet));
    // The indexes of all sets together may be more than the memory.
    const index = await openSetIndex(installation, request.entries, mediaSet, log);
    if (!index) continue;
    try {
      const unknown = await eachSnapshot(wanted, log, ({ store, path }) =>
        takeShares(database, source, { store, path, mediaSet }, index),
      );
      for (const snapshot of unknown) unread.add(snapshot);
    } finally {
      index.close();
    }
  }
  return snapshots.length - unread.size;
}

/** Resolves with the snapshots of which it failed; why is told as a warning. */
async function eachSnapshot(
  snapshots: readonly Unlisted[],
  log: WorkLog,
  work: (snapshot: Unlisted) => Promise<void>,
): Promise<Set<Unlisted>> {
  const failed = new Set<Unlisted>();
  for (const [number, snapshot] of snapshots.entries()) {
    log.signal.throwIfAborted();
    log.progress({ activity: `${snapshot.store}:${snapshot.path}`, fraction: number / snapshots.length });
    try {
      await work(snapshot);
    } catch (error) {
      failed.add(snapshot);
      log.warn(`snapshot ${snapshot.store}:${snapshot.path}: ${bearable(error).message}`);
    }
  }
  return failed;
}

/** What is wrong with one snapshot or datastore; what is wrong with more than that goes on. */
function bearable(error: unknown): FerriteError {
  const known = toFerriteError(error);
  if (known.kind === 'aborted' || ['internal', 'client-key', 'catalog-damaged'].includes(known.code)) throw known;
  return known;
}
