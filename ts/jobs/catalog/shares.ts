/** On which tapes of a media set the data of a snapshot lies, as rows of the catalog database. */
import type { CatalogDatabase } from '../../catalog/database.ts';
import { fileRanges } from '../../catalog/impact.ts';
import type { Installation } from '../../config/installation.ts';
import { toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import { collectSet } from '../../media/membership.ts';
import type { ChunkIndex, Datastore, InventoryEntry, SnapshotShare } from '../../native.ts';
import { buildChunkIndex } from '../datastore/snapshot_contents.ts';

/** Of a set whose catalogs cannot be used there is none. Whoever opens one closes it: it is mapped whole. */
export async function openSetIndex(
  installation: Installation,
  entries: readonly InventoryEntry[],
  mediaSet: string,
  log: WorkLog,
): Promise<ChunkIndex | undefined> {
  const { members } = collectSet(entries, mediaSet);
  const inOrder = [...members].sort(([a], [b]) => a - b).map(([, uuid]) => uuid);
  try {
    return await buildChunkIndex(installation, mediaSet, inOrder);
  } catch (error) {
    const known = toFerriteError(error);
    if (known.code === 'internal') throw known;
    log.warn(`on which tapes of media set ${mediaSet} the snapshots lie cannot be told: ${known.message}`);
    return undefined;
  }
}

/** Looks up the chunks of a snapshot in `source`, a datastore or a folder like one. The snapshot must be listed. */
export async function takeShares(
  database: CatalogDatabase,
  source: Datastore,
  { store, path, mediaSet }: { store: string; path: string; mediaSet: string },
  index: ChunkIndex,
): Promise<void> {
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
