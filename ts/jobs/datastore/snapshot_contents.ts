/** The files inside an archive of a snapshot, with their digests and the tapes that hold them. */
import { join } from 'node:path';
import { ensureDirectory, type Installation } from '../../config/installation.ts';
import type { WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { collectSet } from '../../media/membership.ts';
import type { ArchivedFile, ChunkIndex } from '../../native.ts';
import { storeListener, withDatastore } from './datastores.ts';

export interface ContentsRequest {
  store: string;
  /** As on tape. */
  snapshot: string;
  /** Full name of a tree or image, or as much of it as is unique up to a dot. */
  archive: string;
  /** Media set in which the tapes of each file are looked up. */
  mediaSet?: string | undefined;
  /** Name of the datastore that went to that set, where it is not this one. */
  sourceStore?: string | undefined;
}

/** Reads the archive whole, verifying every chunk. */
export async function archiveContents(
  installation: Installation,
  request: ContentsRequest,
  log: WorkLog,
): Promise<ArchivedFile[]> {
  const chunkIndex = request.mediaSet === undefined ? undefined : await openChunkIndex(installation, request.mediaSet);
  try {
    return await withDatastore(installation, request.store, 'read', log.signal, ({ store }) =>
      store.archiveContents(
        {
          snapshot: request.snapshot,
          archive: request.archive,
          ...(chunkIndex && { chunkIndex }),
          ...(request.sourceStore !== undefined && { sourceStore: request.sourceStore }),
        },
        storeListener(log, request.archive),
      ),
    );
  } finally {
    chunkIndex?.close();
  }
}

/** What all known tapes of a media set hold. */
export async function openChunkIndex(installation: Installation, mediaSet: string): Promise<ChunkIndex> {
  const { entries } = await new InventoryFile(installation).load();
  const { members } = collectSet(entries, mediaSet);
  return buildChunkIndex(
    installation,
    mediaSet,
    [...members].sort(([a], [b]) => a - b).map(([, uuid]) => uuid),
  );
}

/** `members` are media UUIDs in order of their sequence numbers. */
export async function buildChunkIndex(
  installation: Installation,
  mediaSet: string,
  members: readonly string[],
): Promise<ChunkIndex> {
  const { ChunkIndex: native } = await import('../../native.ts');
  await ensureDirectory(installation, installation.paths.cacheDir);
  const catalogs = members.map((mediaUuid) => ({ mediaUuid, path: installation.paths.catalogFile(mediaUuid) }));
  return native.build(join(installation.paths.cacheDir, `${mediaSet}.chunks`), catalogs);
}
