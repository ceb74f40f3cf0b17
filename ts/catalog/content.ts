/** What `media content` answers: which snapshot lies on which tape (behaviour.md 15.2). */
import type { Row } from './connection.ts';
import type { CatalogDatabase } from './database.ts';

/** All given filters must match. */
export interface ContentFilter {
  pool?: string | undefined;
  labelText?: string | undefined;
  /** Media uuid. */
  media?: string | undefined;
  mediaSet?: string | undefined;
  backupType?: string | undefined;
  backupId?: string | undefined;
}

/** One snapshot on one tape. */
export interface ContentEntry {
  labelText: string;
  uuid: string;
  pool: string;
  mediaSetUuid: string;
  mediaSetCtime: number;
  seqNr: number;
  store: string;
  snapshot: string;
  backupTime: number;
  fileNumber: number;
}

const MEDIA_FILTER = `
  media.media_set_uuid IS NOT NULL
  AND (:pool IS NULL OR media.pool = :pool)
  AND (:labelText IS NULL OR media.label_text = :labelText)
  AND (:media IS NULL OR media.uuid = :media)
  AND (:mediaSet IS NULL OR media.media_set_uuid = :mediaSet)`;

const CONTENT = `
  SELECT media.label_text, media.uuid, media.pool, media.media_set_uuid, media.seq_nr,
    coalesce(first.media_set_ctime, media.media_set_ctime) AS media_set_ctime,
    snapshot.store, snapshot.path, snapshot.backup_time, snapshot.file_number
  FROM media
  JOIN snapshot ON snapshot.media_uuid = media.uuid
  -- A set starts when its first tape joined it.
  LEFT JOIN media AS first ON first.media_set_uuid = media.media_set_uuid AND first.seq_nr = 0
  WHERE ${MEDIA_FILTER}
    AND (:backupType IS NULL OR snapshot.backup_type = :backupType)
    AND (:backupId IS NULL OR snapshot.backup_id = :backupId)
  ORDER BY media.media_set_uuid, media.seq_nr, snapshot.store, snapshot.path, snapshot.backup_time`;

/** Fails if the catalog of a tape that the filter selects is missing or unreadable: the list would be short without a word. */
export function listContent(database: CatalogDatabase, filter: ContentFilter): ContentEntry[] {
  const media = {
    ':pool': filter.pool ?? null,
    ':labelText': filter.labelText ?? null,
    ':media': filter.media ?? null,
    ':mediaSet': filter.mediaSet ?? null,
  };
  const selected = new Set(
    database.query(`SELECT media.uuid FROM media WHERE ${MEDIA_FILTER}`, media).map((row) => String(row.uuid)),
  );
  database.requireUsable(selected);
  const parameters = { ...media, ':backupType': filter.backupType ?? null, ':backupId': filter.backupId ?? null };
  return database.query(CONTENT, parameters).map(contentEntry);
}

function contentEntry(row: Row): ContentEntry {
  return {
    labelText: String(row.label_text),
    uuid: String(row.uuid),
    pool: String(row.pool),
    mediaSetUuid: String(row.media_set_uuid),
    mediaSetCtime: Number(row.media_set_ctime),
    seqNr: Number(row.seq_nr),
    store: String(row.store),
    snapshot: String(row.path),
    backupTime: Number(row.backup_time),
    fileNumber: Number(row.file_number),
  };
}
