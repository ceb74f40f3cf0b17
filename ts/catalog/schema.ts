/**
 * Tables of the catalog database, and how older ones become newer ones. Inventory and media catalogs are the truth; the
 * database can be built again from them at any time. File lists are the exception: a snapshot that was pruned from its
 * datastore is listed only here until its tape is scanned, so a database of an older version is migrated, not thrown away.
 *
 * Chunk digests are not in it; they lie in the mapped chunk index of each set.
 */

/** What marks a database as one of these (`PRAGMA application_id`): "FERT". */
export const APPLICATION_ID = 0x46455254;

const CATALOGS = `
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
  );`;

const FILES = `
  ALTER TABLE media ADD COLUMN bytes_used INTEGER;
  ALTER TABLE media ADD COLUMN key_fingerprint TEXT;
  ALTER TABLE media ADD COLUMN slot INTEGER;
  ALTER TABLE media ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE media ADD COLUMN catalog_problem TEXT;   -- why what is on this tape is not known
  CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE media_set (uuid TEXT PRIMARY KEY, name TEXT NOT NULL);
  CREATE TABLE encryption_key (fingerprint TEXT PRIMARY KEY, hint TEXT);
  -- Bytes of tape files, where somebody saw them.
  CREATE TABLE tape_file_size (
    media_uuid TEXT NOT NULL,
    file_number INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (media_uuid, file_number)
  ) WITHOUT ROWID;
  CREATE INDEX snapshot_path ON snapshot (store, path);
  -- What is inside a snapshot, the same on all of its tapes.
  CREATE TABLE listing (
    id INTEGER PRIMARY KEY,
    store TEXT NOT NULL,
    path TEXT NOT NULL,
    state TEXT NOT NULL,        -- listed, encrypted, absent, too-long, damaged
    message TEXT,               -- of a damaged one
    root INTEGER,               -- directory with one directory per archive
    UNIQUE (store, path)
  );
  CREATE INDEX listing_root ON listing (root);
  CREATE TABLE snapshot_file (
    listing INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    crypt_mode TEXT NOT NULL,
    PRIMARY KEY (listing, position)
  ) WITHOUT ROWID;
  -- On which tapes of a set the data of a snapshot lies; no row: not known.
  CREATE TABLE share (
    listing INTEGER NOT NULL,
    media_set_uuid TEXT NOT NULL,
    media_uuid TEXT NOT NULL,   -- empty: on no known tape of the set
    chunks INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    files TEXT,                 -- tape files, '2-5,9'; NULL: too many to name
    PRIMARY KEY (listing, media_set_uuid, media_uuid)
  ) WITHOUT ROWID;
  -- Directories that are equal in all they hold, in whichever snapshots, are one row. The entries of a directory have
  -- consecutive ids.
  CREATE TABLE directory (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    first INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    files INTEGER NOT NULL,     -- at and below it
    bytes INTEGER NOT NULL
  );
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    directory INTEGER NOT NULL,
    kind TEXT NOT NULL,         -- d, f, l, h, b, c, p, s
    name TEXT NOT NULL,
    size INTEGER,
    mtime INTEGER,
    child INTEGER
  );
  CREATE INDEX entry_name ON entry (name COLLATE NOCASE);
  CREATE INDEX entry_child ON entry (child) WHERE child IS NOT NULL;`;

/** Migration n brings a database from version n to n + 1; the first makes it. */
export const MIGRATIONS: readonly string[] = [CATALOGS, FILES];

/** Raised with every change of the tables. */
export const SCHEMA_VERSION = MIGRATIONS.length;
