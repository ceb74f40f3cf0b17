/**
 * Search by name over all snapshots on all tapes: text that names contain, or a pattern with `*` and `?` that they match.
 * Upper and lower case are alike for letters of ASCII.
 */
import type { CatalogConnection } from './connection.ts';
import { type DirectoryEntry, directoryEntry, type Occurrence, occurrences } from './files.ts';

export interface SearchOptions {
  /** Most results (default 200). */
  limit?: number | undefined;
}

/** A file or directory, or an archive of a snapshot. */
export interface SearchMatch extends DirectoryEntry {
  /** Places, at most `OCCURRENCES`, the newest first. */
  places: Occurrence[];
}

export interface SearchResult {
  matches: SearchMatch[];
  archives: ArchiveMatch[];
  /** There are more than were asked for. */
  more: boolean;
}

export interface ArchiveMatch extends Occurrence {
  size: number;
}

const LIMIT = 200;
/** Snapshots that are named for each match; all of them are a click away. */
const OCCURRENCES = 50;

/** With the directory that it is in. */
interface FoundEntry extends DirectoryEntry {
  parent: number;
}

interface Pattern {
  /** For LIKE with `\`. */
  like: string;
  /** Beginning that all matches share, where there is one. */
  prefix: string | undefined;
}

const escaped = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&');

/** `*.conf` and `a?c` must match whole names; anything else is looked for in them. */
export function namePattern(text: string): Pattern {
  if (!/[*?]/.test(text)) return { like: `%${escaped(text)}%`, prefix: undefined };
  const like = escaped(text).replaceAll('*', '%').replaceAll('?', '_');
  const prefix = /^[^*?]+/.exec(text)?.[0];
  return { like, prefix };
}

/** Names that begin with the text come first; they are found in the index without looking at the others. */
export function searchNames(connection: CatalogConnection, text: string, options: SearchOptions = {}): SearchResult {
  const limit = options.limit ?? LIMIT;
  const [folder, name] = splitPath(text.trim());
  if (name === '' && folder === '') return { matches: [], archives: [], more: false };
  const pattern = namePattern(name);
  const found = findEntries(connection, name, pattern, folder === '' ? limit + 1 : limit * 20);
  const located = locate(connection, found);
  const matches = located.flatMap((match) => {
    const places = match.places.filter(({ path }) => isBelow(path, folder));
    return places.length > 0 ? [{ ...match, places }] : [];
  });
  const archives = folder === '' ? findArchives(connection, pattern, limit) : [];
  return { matches: matches.slice(0, limit), archives, more: matches.length > limit };
}

/** Files of one directory are in the same places, so each directory is looked up once. */
function locate(connection: CatalogConnection, found: readonly FoundEntry[]): SearchMatch[] {
  const folders = new Map<number, Occurrence[]>();
  return found.map(({ parent, ...entry }) => {
    const first = folders.get(parent);
    if (first) return { ...entry, places: first.map((place) => ({ ...place, path: place.path + entry.name })) };
    const places = occurrences(connection, entry.id, OCCURRENCES);
    folders.set(
      parent,
      places.map((place) => ({ ...place, path: place.path.slice(0, place.path.length - entry.name.length) })),
    );
    return { ...entry, places };
  });
}

/** `etc/*.conf` asks for `*.conf` in directories whose path contains `etc/`. */
function splitPath(text: string): [folder: string, name: string] {
  const trimmed = text.endsWith('/') ? text.slice(0, -1) : text;
  const slash = trimmed.lastIndexOf('/');
  return [trimmed.slice(0, slash + 1).toLowerCase(), trimmed.slice(slash + 1)];
}

const isBelow = (path: string, folder: string): boolean =>
  folder === '' ||
  `/${path}`
    .slice(0, path.lastIndexOf('/') + 2)
    .toLowerCase()
    .includes(folder);

function findEntries(connection: CatalogConnection, name: string, pattern: Pattern, limit: number): FoundEntry[] {
  const start = pattern.prefix ?? name;
  const ids: number[] = [];
  const take = (query: string, parameters: Record<string, string | number>): void => {
    for (const { id } of connection.rows(query, { ...parameters, ':limit': limit - ids.length })) ids.push(Number(id));
  };
  const range = { ':start': start, ':end': `${start}\u{10ffff}` };
  take(
    `SELECT id FROM entry INDEXED BY entry_name
    WHERE name >= :start COLLATE NOCASE AND name < :end COLLATE NOCASE AND name LIKE :like ESCAPE '\\'
    ORDER BY name COLLATE NOCASE LIMIT :limit`,
    { ...range, ':like': pattern.prefix === undefined ? `${escaped(start)}%` : pattern.like },
  );
  // A pattern with a beginning has nothing else.
  if (pattern.prefix === undefined && ids.length < limit) {
    take(
      `SELECT id FROM entry INDEXED BY entry_name
      WHERE name LIKE :like ESCAPE '\\' AND NOT (name >= :start COLLATE NOCASE AND name < :end COLLATE NOCASE)
      LIMIT :limit`,
      { ...range, ':like': pattern.like },
    );
  }
  return ids.flatMap((id) =>
    connection
      .rows(
        `SELECT entry.*, child.files, child.bytes FROM entry LEFT JOIN directory AS child ON child.id = entry.child
        WHERE entry.id = :id`,
        { ':id': id },
      )
      .map((row) => ({ ...directoryEntry(row), parent: Number(row.directory) })),
  );
}

function findArchives(connection: CatalogConnection, { like }: Pattern, limit: number): ArchiveMatch[] {
  const rows = connection.rows(
    `SELECT listing.store, listing.path AS snapshot, snapshot_file.name, snapshot_file.size
    FROM snapshot_file JOIN listing ON listing.id = snapshot_file.listing
    WHERE snapshot_file.name LIKE :like ESCAPE '\\' ORDER BY listing.path DESC LIMIT :limit`,
    { ':like': like, ':limit': limit },
  );
  return rows.map((row) => ({
    store: String(row.store),
    snapshot: String(row.snapshot),
    path: String(row.name),
    size: Number(row.size),
  }));
}
