/**
 * Tables of the catalog database. It is derived: media catalogs and inventory are the truth, so a database of another
 * version is thrown away and built again. Chunk digests are not in it; they lie in the mapped chunk index of each set.
 */

/** Raised with every change of the tables. */
export const SCHEMA_VERSION = 1;

export const SCHEMA = `
  -- One row per media catalog file, with the identity of the file it was read from.
  CREATE TABLE catalog_file (
    media_uuid TEXT PRIMARY KEY,
    inode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ms REAL NOT NULL,
    media_set_uuid TEXT,
    seq_nr INTEGER
  );
  CREATE TABLE snapshot (
    media_uuid TEXT NOT NULL,
    file_number INTEGER NOT NULL,
    content_uuid TEXT NOT NULL,
    store TEXT NOT NULL,
    path TEXT NOT NULL,         -- as on tape: ns/a/ns/b/vm/100/2024-06-05T09:38:20Z
    namespace TEXT NOT NULL,    -- a/b, root is empty
    backup_type TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    backup_time INTEGER NOT NULL,
    PRIMARY KEY (media_uuid, store, path)
  ) WITHOUT ROWID;
  CREATE TABLE archive (
    media_uuid TEXT NOT NULL,
    file_number INTEGER NOT NULL,
    content_uuid TEXT NOT NULL,
    store TEXT NOT NULL,
    chunks INTEGER NOT NULL,
    PRIMARY KEY (media_uuid, file_number)
  ) WITHOUT ROWID;
  CREATE INDEX snapshot_group ON snapshot (backup_type, backup_id);
  -- The inventory as it was when the database was opened.
  CREATE TABLE media (
    uuid TEXT PRIMARY KEY,
    label_text TEXT NOT NULL,
    ctime INTEGER NOT NULL,
    pool TEXT,
    media_set_uuid TEXT,        -- never the all-zero set
    seq_nr INTEGER,
    media_set_ctime INTEGER,
    location TEXT,
    status TEXT
  );
  PRAGMA user_version = ${SCHEMA_VERSION};
`;
