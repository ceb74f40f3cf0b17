/** Directory trees inside snapshots. */
import type { CatalogConnection, Row } from './connection.ts';

/** `d` directory, `f` file, `l` symbolic link, `h` hard link, `b` and `c` devices, `p` pipe, `s` socket. */
export type EntryKind = 'd' | 'f' | 'l' | 'h' | 'b' | 'c' | 'p' | 's';

export interface DirectoryEntry {
  id: number;
  name: string;
  kind: EntryKind;
  /** Of a file, its bytes; of a directory, those of all files at and below it. */
  size: number;
  /** Epoch seconds, of a file. */
  mtime: number | undefined;
  /** Of a directory. */
  directory: number | undefined;
  /** Of a directory: files at and below it. */
  files: number;
}

export interface DirectoryPage {
  entries: DirectoryEntry[];
  /** Of the whole directory. */
  total: number;
}

/** Larger directories are shown in the order of the snapshot's list, which needs no sorting: a click must be answered. */
const SORTED_ENTRIES = 10_000;

/** Entries of a directory: directories first, then by name. */
export function listDirectory(
  connection: CatalogConnection,
  directory: number,
  page: { limit?: number; offset?: number } = {},
): DirectoryPage {
  const [found] = connection.rows('SELECT first, entries FROM directory WHERE id = :id', { ':id': directory });
  if (!found) return { entries: [], total: 0 };
  const rows = connection.rows(
    `SELECT entry.*, child.files, child.bytes FROM entry LEFT JOIN directory AS child ON child.id = entry.child
    WHERE entry.id >= :first AND entry.id < :end
    ORDER BY ${Number(found.entries) > SORTED_ENTRIES ? 'entry.id' : "entry.kind <> 'd', entry.name COLLATE NOCASE, entry.name"}
    LIMIT :limit OFFSET :offset`,
    {
      ':first': Number(found.first),
      ':end': Number(found.first) + Number(found.entries),
      ':limit': page.limit ?? -1,
      ':offset': page.offset ?? 0,
    },
  );
  return { entries: rows.map(directoryEntry), total: Number(found.entries) };
}

/** An entry of a directory by its name. */
export function findEntry(connection: CatalogConnection, directory: number, name: string): DirectoryEntry | undefined {
  const [row] = connection.rows(
    `SELECT entry.*, child.files, child.bytes FROM directory AS parent
    JOIN entry ON entry.id >= parent.first AND entry.id < parent.first + parent.entries
    LEFT JOIN directory AS child ON child.id = entry.child
    WHERE parent.id = :directory AND entry.name = :name LIMIT 1`,
    { ':directory': directory, ':name': name },
  );
  return row && directoryEntry(row);
}

export function directoryEntry(row: Row): DirectoryEntry {
  return {
    id: Number(row.id),
    name: String(row.name),
    kind: String(row.kind) as EntryKind,
    size: Number(row.size ?? row.bytes ?? 0),
    mtime: row.mtime == null ? undefined : Number(row.mtime),
    directory: row.child == null ? undefined : Number(row.child),
    files: Number(row.files ?? 0),
  };
}

/** A directory on the way to a path. */
export interface PathStep {
  name: string;
  directory: number;
}

/** The directories of a path below a root, as far as there are any: `root.pxar.didx/etc/passwd` ends with `etc`. */
export function findPath(connection: CatalogConnection, root: number, path: string): PathStep[] {
  const steps: PathStep[] = [];
  let directory = root;
  for (const name of path.split('/')) {
    const [row] = connection.rows(
      `SELECT entry.child FROM directory
      JOIN entry ON entry.id >= directory.first AND entry.id < directory.first + directory.entries
      WHERE directory.id = :directory AND entry.name = :name AND entry.child IS NOT NULL LIMIT 1`,
      { ':directory': directory, ':name': name },
    );
    if (!row) break;
    directory = Number(row.child);
    steps.push({ name, directory });
  }
  return steps;
}
