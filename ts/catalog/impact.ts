/** What would be lost with a tape, or with one file of it, as far as the database can tell. */
import type { CatalogConnection } from './connection.ts';

/** What a snapshot has on the tape: its archive, chunks of it, or perhaps chunks (nobody looked which). */
export type AffectedBy = 'archive' | 'chunks' | 'perhaps';

/** Another media set that holds the snapshot. */
export interface SnapshotCopy {
  mediaSetUuid: string;
  labelText: string;
}

export interface AffectedSnapshot {
  store: string;
  path: string;
  by: AffectedBy;
  copies: SnapshotCopy[];
}

export interface LossRequest {
  /** Media UUID. */
  media: string;
  /** Only this file of the tape. */
  fileNumber?: number | undefined;
}

/** Snapshots that cannot be restored from the media set without the tape or the file. */
export function affectedSnapshots(connection: CatalogConnection, request: LossRequest): AffectedSnapshot[] {
  const parameters = { ':media': request.media, ':file': request.fileNumber ?? null };
  const rows = connection.rows(
    `SELECT store, path, 'archive' AS by, NULL AS files FROM snapshot
      WHERE media_uuid = :media AND (:file IS NULL OR file_number = :file)
    UNION ALL
    SELECT listing.store, listing.path, 'chunks', share.files FROM share
      JOIN listing ON listing.id = share.listing WHERE share.media_uuid = :media
    UNION ALL
    SELECT snapshot.store, snapshot.path, 'perhaps', NULL FROM media AS lost
      JOIN media AS tape ON tape.media_set_uuid = lost.media_set_uuid AND tape.seq_nr >= lost.seq_nr
      JOIN snapshot ON snapshot.media_uuid = tape.uuid
      WHERE lost.uuid = :media
        AND EXISTS (SELECT 1 FROM archive WHERE archive.media_uuid = lost.uuid AND archive.store = snapshot.store
          AND archive.chunks > 0 AND (:file IS NULL OR archive.file_number = :file)
          AND (tape.uuid <> lost.uuid OR archive.file_number < snapshot.file_number))
        AND NOT EXISTS (SELECT 1 FROM listing JOIN share ON share.listing = listing.id
          WHERE listing.store = snapshot.store AND listing.path = snapshot.path
            AND share.media_set_uuid = lost.media_set_uuid)`,
    parameters,
  );
  const affected = new Map<string, AffectedSnapshot>();
  for (const row of rows) {
    if (request.fileNumber !== undefined && !mayInclude(row.files, request.fileNumber)) continue;
    const snapshot = { store: String(row.store), path: String(row.path) };
    const key = `${snapshot.store}:${snapshot.path}`;
    // What is worst comes first.
    if (!affected.has(key)) affected.set(key, { ...snapshot, by: row.by as AffectedBy, copies: [] });
  }
  for (const snapshot of affected.values()) snapshot.copies = copiesOf(connection, request.media, snapshot);
  return [...affected.values()].sort((a, b) => (`${a.store}:${a.path}` < `${b.store}:${b.path}` ? -1 : 1));
}

/** `2-5,9`; ranges that were too many to name include everything. */
function mayInclude(ranges: unknown, file: number): boolean {
  if (typeof ranges !== 'string') return true;
  return ranges.split(',').some((range) => {
    const [first = '', last = first] = range.split('-');
    return Number(first) <= file && file <= Number(last);
  });
}

/** Longest list of ranges that is stored. */
const LONGEST_RANGES = 500;

/** Tape files as text: `2-5,9`; undefined where it would be too long. */
export function fileRanges(files: readonly number[]): string | undefined {
  const sorted = [...new Set(files)].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const file of sorted) {
    const last = ranges.at(-1);
    if (last && last[1] === file - 1) last[1] = file;
    else ranges.push([file, file]);
  }
  const text = ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
  return text.length <= LONGEST_RANGES ? text : undefined;
}

function copiesOf(
  connection: CatalogConnection,
  media: string,
  { store, path }: Pick<AffectedSnapshot, 'store' | 'path'>,
): SnapshotCopy[] {
  const rows = connection.rows(
    `SELECT tape.media_set_uuid, tape.label_text FROM snapshot
    JOIN media AS tape ON tape.uuid = snapshot.media_uuid
    WHERE snapshot.store = :store AND snapshot.path = :path
      AND tape.media_set_uuid IS NOT (SELECT media_set_uuid FROM media WHERE uuid = :media)
    ORDER BY tape.media_set_ctime DESC`,
    { ':store': store, ':path': path, ':media': media },
  );
  return rows.map((row) => ({ mediaSetUuid: String(row.media_set_uuid), labelText: String(row.label_text) }));
}
