/** Pools, media sets and tapes, and what lies on each tape in which order. */
import type { CatalogConnection, Row } from './connection.ts';

const text = (value: unknown): string | undefined => (value == null ? undefined : String(value));
const number = (value: unknown): number | undefined => (value == null ? undefined : Number(value));

export interface PoolSummary {
  /** Undefined: tapes that belong to no pool. */
  pool: string | undefined;
  tapes: number;
  mediaSets: number;
  /** Different ones. */
  snapshots: number;
}

export interface MediaSetSummary {
  uuid: string;
  name: string;
  pool: string;
  /** Epoch seconds: when its first tape joined it. */
  ctime: number;
  tapes: number;
  snapshots: number;
  chunks: number;
  /** Of the tapes whose drive told. */
  bytesUsed: number | undefined;
  keyFingerprint: string | undefined;
  keyHint: string | undefined;
}

export interface TapeSummary {
  uuid: string;
  labelText: string;
  pool: string | undefined;
  mediaSetUuid: string | undefined;
  mediaSetName: string | undefined;
  seqNr: number | undefined;
  /** `offline`, `online-<changer>` or `vault-<vault>`. */
  location: string;
  slot: number | undefined;
  status: string;
  expired: boolean;
  /** As the drive told when the tape was unloaded. */
  bytesUsed: number | undefined;
  /** Sum of its files, where somebody saw them. */
  fileBytes: number | undefined;
  keyFingerprint: string | undefined;
  keyHint: string | undefined;
  snapshots: number;
  chunks: number;
  /** Why what is on it is not known. */
  catalogProblem: string | undefined;
}

export interface TapeFileSummary {
  fileNumber: number;
  kind: 'label' | 'chunks' | 'snapshot';
  store: string | undefined;
  /** Of a snapshot archive. */
  snapshot: string | undefined;
  /** Of a chunk archive. */
  chunks: number;
  /** Where somebody saw the file. */
  bytes: number | undefined;
}

export function listPools(connection: CatalogConnection): PoolSummary[] {
  const rows = connection.rows(`
    SELECT media.pool, count(*) AS tapes, count(DISTINCT media.media_set_uuid) AS media_sets,
      (SELECT count(DISTINCT snapshot.store || ':' || snapshot.path) FROM snapshot
         JOIN media AS tape ON tape.uuid = snapshot.media_uuid
         WHERE tape.pool IS media.pool) AS snapshots
    FROM media GROUP BY media.pool ORDER BY media.pool IS NULL, media.pool`);
  return rows.map((row) => ({
    pool: text(row.pool),
    tapes: Number(row.tapes),
    mediaSets: Number(row.media_sets),
    snapshots: Number(row.snapshots),
  }));
}

/** The newest first. */
export function listMediaSets(connection: CatalogConnection, pool?: string): MediaSetSummary[] {
  const rows = connection.rows(
    `SELECT media.media_set_uuid AS uuid, coalesce(media_set.name, media.media_set_uuid) AS name, min(media.pool) AS pool,
      coalesce(min(CASE WHEN media.seq_nr = 0 THEN media.media_set_ctime END), min(media.media_set_ctime)) AS ctime,
      count(*) AS tapes, sum(media.bytes_used) AS bytes_used, max(media.key_fingerprint) AS key_fingerprint,
      max(encryption_key.hint) AS key_hint,
      (SELECT count(DISTINCT snapshot.store || ':' || snapshot.path) FROM snapshot
         JOIN media AS tape ON tape.uuid = snapshot.media_uuid
         WHERE tape.media_set_uuid = media.media_set_uuid) AS snapshots,
      (SELECT coalesce(sum(archive.chunks), 0) FROM archive
         JOIN media AS tape ON tape.uuid = archive.media_uuid
         WHERE tape.media_set_uuid = media.media_set_uuid) AS chunks
    FROM media LEFT JOIN media_set ON media_set.uuid = media.media_set_uuid
    LEFT JOIN encryption_key ON encryption_key.fingerprint = media.key_fingerprint
    WHERE media.media_set_uuid IS NOT NULL AND (:pool IS NULL OR media.pool = :pool)
    GROUP BY media.media_set_uuid ORDER BY ctime DESC, uuid`,
    { ':pool': pool ?? null },
  );
  return rows.map((row) => ({
    uuid: String(row.uuid),
    name: String(row.name),
    pool: String(row.pool),
    ctime: Number(row.ctime),
    tapes: Number(row.tapes),
    snapshots: Number(row.snapshots),
    chunks: Number(row.chunks),
    bytesUsed: number(row.bytes_used),
    keyFingerprint: text(row.key_fingerprint),
    keyHint: text(row.key_hint),
  }));
}

export interface TapeFilter {
  pool?: string | undefined;
  mediaSet?: string | undefined;
  uuid?: string | undefined;
  labelText?: string | undefined;
}

/** In order of pool, media set and number. */
export function listTapes(connection: CatalogConnection, filter: TapeFilter = {}): TapeSummary[] {
  const rows = connection.rows(
    `SELECT media.*, media_set.name AS media_set_name, encryption_key.hint AS key_hint,
      (SELECT count(*) FROM snapshot WHERE snapshot.media_uuid = media.uuid) AS snapshots,
      (SELECT coalesce(sum(chunks), 0) FROM archive WHERE archive.media_uuid = media.uuid) AS chunks,
      (SELECT sum(bytes) FROM tape_file_size WHERE tape_file_size.media_uuid = media.uuid) AS file_bytes
    FROM media
    LEFT JOIN media_set ON media_set.uuid = media.media_set_uuid
    LEFT JOIN encryption_key ON encryption_key.fingerprint = media.key_fingerprint
    WHERE (:pool IS NULL OR media.pool = :pool) AND (:mediaSet IS NULL OR media.media_set_uuid = :mediaSet)
      AND (:uuid IS NULL OR media.uuid = :uuid) AND (:labelText IS NULL OR media.label_text = :labelText)
    ORDER BY media.pool IS NULL, media.pool, media.media_set_ctime, media.media_set_uuid, media.seq_nr, media.label_text`,
    {
      ':pool': filter.pool ?? null,
      ':mediaSet': filter.mediaSet ?? null,
      ':uuid': filter.uuid ?? null,
      ':labelText': filter.labelText ?? null,
    },
  );
  return rows.map(tapeSummary);
}

function tapeSummary(row: Row): TapeSummary {
  return {
    uuid: String(row.uuid),
    labelText: String(row.label_text),
    pool: text(row.pool),
    mediaSetUuid: text(row.media_set_uuid),
    mediaSetName: text(row.media_set_name) ?? text(row.media_set_uuid),
    seqNr: number(row.seq_nr),
    location: text(row.location) ?? 'offline',
    slot: number(row.slot),
    status: text(row.status) ?? 'unknown',
    expired: Number(row.expired) === 1,
    bytesUsed: number(row.bytes_used),
    fileBytes: number(row.file_bytes),
    keyFingerprint: text(row.key_fingerprint),
    keyHint: text(row.key_hint),
    snapshots: Number(row.snapshots),
    chunks: Number(row.chunks),
    catalogProblem: text(row.catalog_problem),
  };
}

/** In the order of the tape. Copies of catalogs between the archives are in no catalog, so they are not listed. */
export function listTapeFiles(connection: CatalogConnection, mediaUuid: string): TapeFileSummary[] {
  const rows = connection.rows(
    `SELECT file.*, tape_file_size.bytes FROM (
      SELECT media_uuid, file_number, 'chunks' AS kind, store, NULL AS path, chunks FROM archive
        WHERE media_uuid = :media
      UNION ALL
      SELECT media_uuid, file_number, 'snapshot', store, path, 0 FROM snapshot WHERE media_uuid = :media
    ) AS file
    LEFT JOIN tape_file_size USING (media_uuid, file_number)
    ORDER BY file.file_number`,
    { ':media': mediaUuid },
  );
  return rows.map((row) => ({
    fileNumber: Number(row.file_number),
    kind: row.kind === 'chunks' ? 'chunks' : 'snapshot',
    store: text(row.store),
    snapshot: text(row.path),
    chunks: Number(row.chunks),
    bytes: number(row.bytes),
  }));
}
