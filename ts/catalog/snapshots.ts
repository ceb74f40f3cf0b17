/** Snapshots: which there are, on which tapes, and which tapes a restore of them needs. */
import type { CatalogConnection, Row } from './connection.ts';

export type ListingState = 'listed' | 'encrypted' | 'absent' | 'too-long' | 'damaged';

export interface SnapshotFilter {
  pool?: string | undefined;
  mediaSet?: string | undefined;
  /** Media UUID. */
  media?: string | undefined;
  store?: string | undefined;
  backupType?: string | undefined;
  backupId?: string | undefined;
  /** Part of store, namespace, group or time. */
  text?: string | undefined;
}

/** One snapshot in one media set. */
export interface CatalogSnapshot {
  store: string;
  /** As on tape: `ns/a/vm/100/2024-06-05T09:38:20Z`. */
  path: string;
  namespace: string;
  backupType: string;
  backupId: string;
  /** Epoch seconds. */
  backupTime: number;
  mediaSetUuid: string;
  /** Tape with its archive. */
  mediaUuid: string;
  labelText: string;
  fileNumber: number;
  /** Whether its files are known; undefined: nobody looked. */
  state: ListingState | undefined;
  /** Directory with one directory per archive. */
  root: number | undefined;
  /** Sum of its archives, where known. */
  bytes: number | undefined;
}

const FROM = `
  FROM snapshot
  JOIN media ON media.uuid = snapshot.media_uuid
  LEFT JOIN listing ON listing.store = snapshot.store AND listing.path = snapshot.path`;

const WHERE = `
  WHERE media.media_set_uuid IS NOT NULL
    AND (:pool IS NULL OR media.pool = :pool)
    AND (:mediaSet IS NULL OR media.media_set_uuid = :mediaSet)
    AND (:media IS NULL OR media.uuid = :media)
    AND (:store IS NULL OR snapshot.store = :store)
    AND (:backupType IS NULL OR snapshot.backup_type = :backupType)
    AND (:backupId IS NULL OR snapshot.backup_id = :backupId)
    AND (:text IS NULL OR instr(lower(snapshot.store || ':' || snapshot.path), lower(:text)) > 0)`;

function parametersOf(filter: SnapshotFilter) {
  return {
    ':pool': filter.pool ?? null,
    ':mediaSet': filter.mediaSet ?? null,
    ':media': filter.media ?? null,
    ':store': filter.store ?? null,
    ':backupType': filter.backupType ?? null,
    ':backupId': filter.backupId ?? null,
    ':text': filter.text || null,
  };
}

/** The newest first. */
export function listSnapshots(
  connection: CatalogConnection,
  filter: SnapshotFilter = {},
  page: { limit?: number; offset?: number } = {},
): CatalogSnapshot[] {
  const rows = connection.rows(
    `SELECT snapshot.*, media.media_set_uuid, media.label_text, listing.state, listing.root,
      (SELECT sum(size) FROM snapshot_file WHERE listing = listing.id) AS bytes
    ${FROM} ${WHERE}
    ORDER BY snapshot.backup_time DESC, snapshot.store, snapshot.path, media.media_set_ctime DESC
    LIMIT :limit OFFSET :offset`,
    { ...parametersOf(filter), ':limit': page.limit ?? -1, ':offset': page.offset ?? 0 },
  );
  return rows.map(catalogSnapshot);
}

export function countSnapshots(connection: CatalogConnection, filter: SnapshotFilter = {}): number {
  return Number(connection.rows(`SELECT count(*) AS count ${FROM} ${WHERE}`, parametersOf(filter))[0]?.count);
}

function catalogSnapshot(row: Row): CatalogSnapshot {
  return {
    store: String(row.store),
    path: String(row.path),
    namespace: String(row.namespace),
    backupType: String(row.backup_type),
    backupId: String(row.backup_id),
    backupTime: Number(row.backup_time),
    mediaSetUuid: String(row.media_set_uuid),
    mediaUuid: String(row.media_uuid),
    labelText: String(row.label_text),
    fileNumber: Number(row.file_number),
    state: row.state === null ? undefined : (row.state as ListingState),
    root: row.root === null ? undefined : Number(row.root),
    bytes: row.bytes === null ? undefined : Number(row.bytes),
  };
}

export interface SnapshotArchive {
  name: string;
  size: number;
  /** `none`, `sign-only` or `encrypt`. */
  cryptMode: string;
}

/** Archives of a snapshot; none where nobody looked into it. */
export function listArchives(connection: CatalogConnection, store: string, path: string): SnapshotArchive[] {
  const rows = connection.rows(
    `SELECT snapshot_file.name, snapshot_file.size, snapshot_file.crypt_mode FROM listing
    JOIN snapshot_file ON snapshot_file.listing = listing.id
    WHERE listing.store = :store AND listing.path = :path ORDER BY snapshot_file.position`,
    { ':store': store, ':path': path },
  );
  return rows.map((row) => ({
    name: String(row.name),
    size: Number(row.size),
    cryptMode: String(row.crypt_mode),
  }));
}

/** A snapshot of a media set, as a person chooses it. */
export interface ChosenSnapshot {
  mediaSetUuid: string;
  store: string;
  path: string;
}

/** A tape that a restore needs. */
export interface NeededTape {
  mediaUuid: string;
  mediaSetUuid: string;
  labelText: string;
  seqNr: number;
  location: string;
  slot: number | undefined;
  keyFingerprint: string | undefined;
  keyHint: string | undefined;
  /** Bytes of the chosen snapshots' data on it, where known. */
  bytes: number;
  /** False: it may hold chunks of them; nobody looked which. */
  certain: boolean;
  /** Of the chosen ones, those that need it. */
  snapshots: number;
}

export interface RestoreNeeds {
  tapes: NeededTape[];
  /** Chosen snapshots with chunks on no known tape of their set. */
  incomplete: ChosenSnapshot[];
  /** Chosen ones that their set does not hold. */
  missing: ChosenSnapshot[];
}

/**
 * Which tapes hold the chosen snapshots: the one with the archive, and those with its chunks. Where nobody looked, chunks
 * can be on every tape of the set up to the archive's.
 */
export function neededTapes(connection: CatalogConnection, chosen: readonly ChosenSnapshot[]): RestoreNeeds {
  const tapes = new Map<string, { bytes: number; certain: boolean; snapshots: number }>();
  const needs: RestoreNeeds = { tapes: [], incomplete: [], missing: [] };
  for (const snapshot of chosen) {
    const shares = sharesOf(connection, snapshot);
    if (shares.length === 0) needs.missing.push(snapshot);
    for (const { mediaUuid, bytes, certain } of shares) {
      if (mediaUuid === '') {
        needs.incomplete.push(snapshot);
        continue;
      }
      const tape = tapes.get(mediaUuid) ?? { bytes: 0, certain: false, snapshots: 0 };
      tape.bytes += bytes;
      tape.certain ||= certain;
      tape.snapshots++;
      tapes.set(mediaUuid, tape);
    }
  }
  for (const [mediaUuid, tape] of tapes) needs.tapes.push({ ...describeTape(connection, mediaUuid), ...tape });
  needs.tapes.sort((a, b) =>
    a.mediaSetUuid < b.mediaSetUuid ? -1 : a.mediaSetUuid > b.mediaSetUuid ? 1 : a.seqNr - b.seqNr,
  );
  return needs;
}

interface Share {
  mediaUuid: string;
  bytes: number;
  certain: boolean;
}

function sharesOf(connection: CatalogConnection, { mediaSetUuid, store, path }: ChosenSnapshot): Share[] {
  const parameters = { ':mediaSet': mediaSetUuid, ':store': store, ':path': path };
  const known = connection.rows(
    `SELECT share.media_uuid, share.bytes FROM listing JOIN share ON share.listing = listing.id
    WHERE listing.store = :store AND listing.path = :path AND share.media_set_uuid = :mediaSet`,
    parameters,
  );
  const [archive] = connection.rows(
    `SELECT snapshot.media_uuid, media.seq_nr FROM snapshot JOIN media ON media.uuid = snapshot.media_uuid
    WHERE snapshot.store = :store AND snapshot.path = :path AND media.media_set_uuid = :mediaSet`,
    parameters,
  );
  if (!archive) return [];
  const archiveTape = String(archive.media_uuid);
  if (known.length > 0) {
    const shares = known.map((row) => ({ mediaUuid: String(row.media_uuid), bytes: Number(row.bytes), certain: true }));
    const named = shares.some(({ mediaUuid }) => mediaUuid === archiveTape);
    return named ? shares : [...shares, { mediaUuid: archiveTape, bytes: 0, certain: true }];
  }
  const possible = connection.rows(
    `SELECT DISTINCT media.uuid FROM media JOIN archive ON archive.media_uuid = media.uuid
    WHERE media.media_set_uuid = :mediaSet AND media.seq_nr <= :seqNr AND archive.store = :store AND archive.chunks > 0`,
    { ':mediaSet': mediaSetUuid, ':seqNr': archive.seq_nr ?? 0, ':store': store },
  );
  const uncertain = possible
    .map((row) => String(row.uuid))
    .filter((uuid) => uuid !== archiveTape)
    .map((mediaUuid) => ({ mediaUuid, bytes: 0, certain: false }));
  return [...uncertain, { mediaUuid: archiveTape, bytes: 0, certain: true }];
}

function describeTape(connection: CatalogConnection, uuid: string) {
  const [row = {}] = connection.rows(
    `SELECT media.*, encryption_key.hint FROM media
    LEFT JOIN encryption_key ON encryption_key.fingerprint = media.key_fingerprint WHERE media.uuid = :uuid`,
    { ':uuid': uuid },
  );
  return {
    mediaUuid: uuid,
    mediaSetUuid: String(row.media_set_uuid ?? ''),
    labelText: String(row.label_text ?? uuid),
    seqNr: Number(row.seq_nr ?? 0),
    location: String(row.location ?? 'offline'),
    slot: row.slot == null ? undefined : Number(row.slot),
    keyFingerprint: row.key_fingerprint == null ? undefined : String(row.key_fingerprint),
    keyHint: row.hint == null ? undefined : String(row.hint),
  };
}
