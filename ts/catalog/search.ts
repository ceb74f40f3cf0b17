/**
 * Search by name over all snapshots on all tapes: text that names contain, or a pattern with `*` and `?` that they match.
 * Upper and lower case are alike for letters of ASCII.
 */
import { FerriteError } from '../errors.ts';
import type { CatalogConnection, Row } from './connection.ts';
import { type DirectoryEntry, directoryEntry } from './files.ts';
import { DirectoryPlaces, type Occurrence, placesIn } from './occurrences.ts';

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
  /** These are not all, as far as was looked. */
  more: boolean;
}

export interface ArchiveMatch extends Occurrence {
  size: number;
}

const LIMIT = 200;
/** Snapshots that are named for each match; all of them are a click away. */
const OCCURRENCES = 50;
/** Names are shorter, and SQLite takes patterns of this length. */
const LONGEST_TEXT = 16_384;
/** Names that are looked at to find some in a folder: a name like `*` fits all of them. */
const MOST_CANDIDATES = 200_000;
const BATCH = 2_000;

/** With the directory that it is in. */
interface FoundEntry extends DirectoryEntry {
  parent: number;
}

interface Pattern {
  /** For LIKE with `\`. */
  like: string;
  /** Of `*` and `?`: beginning that all matches share. Undefined: text that is looked for in names. */
  prefix: string | undefined;
}

const escaped = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&');

/** `*.conf` and `a?c` must match whole names; anything else is looked for in them. */
export function namePattern(text: string): Pattern {
  const prefix = /^[^*?]*/.exec(text)?.[0] ?? '';
  if (prefix === text) return { like: `%${escaped(text)}%`, prefix: undefined };
  return { like: escaped(text).replaceAll(/\*+/g, '%').replaceAll('?', '_'), prefix };
}

/** Names that begin with the text come first; they are found in the index without looking at the others. */
export function searchNames(connection: CatalogConnection, text: string, options: SearchOptions = {}): SearchResult {
  if (text.length > LONGEST_TEXT) throw new FerriteError('usage', 'bad-search', 'no name is as long as this text');
  const limit = options.limit ?? LIMIT;
  const [folder, name] = splitPath(text.trim());
  if (name === '' && folder === '') return { matches: [], archives: [], more: false };
  const pattern = namePattern(name);
  const candidates = findCandidates(connection, name, pattern, folder === '' ? limit + 1 : BATCH);
  const { matches, all } = takeMatches(connection, candidates, folder, limit);
  const archives = folder === '' ? findArchives(connection, pattern, limit) : [];
  return { matches: matches.slice(0, limit), archives, more: !all || matches.length > limit };
}

/** The first candidates below a folder; `all`: there are no more. */
function takeMatches(
  connection: CatalogConnection,
  candidates: Iterable<readonly number[]>,
  folder: string,
  limit: number,
): { matches: SearchMatch[]; all: boolean } {
  const places = new DirectoryPlaces(connection, OCCURRENCES);
  const wanted = folderPattern(folder);
  const matches: SearchMatch[] = [];
  let looked = 0;
  for (const ids of candidates) {
    const entries = readEntries(connection, ids);
    places.follow(entries.map(({ parent }) => parent));
    for (const { parent, ...entry } of entries) {
      const found = placesIn(places, parent, entry.name).filter(({ path }) => wanted.test(directoryOf(path)));
      if (found.length > 0 && !found.every(isArchive)) matches.push({ ...entry, places: found });
    }
    looked += ids.length;
    if (matches.length > limit || looked > Math.max(limit, MOST_CANDIDATES)) return { matches, all: false };
  }
  return { matches, all: true };
}

/** Archives are directories that hold all files of theirs; they are found as archives. */
const isArchive = ({ path }: Occurrence): boolean => !path.includes('/');

/** `etc/*.conf` asks for `*.conf` in directories whose path contains `etc/`. */
function splitPath(text: string): [folder: string, name: string] {
  const trimmed = text.endsWith('/') ? text.slice(0, -1) : text;
  const slash = trimmed.lastIndexOf('/');
  return [trimmed.slice(0, slash + 1), trimmed.slice(slash + 1)];
}

/** What the path of a directory must contain; `*` and `?` stand for parts of names there, too. */
function folderPattern(folder: string): RegExp {
  const literal = folder.replaceAll(/[\\^$.+()[\]{}|]/g, '\\$&');
  return new RegExp(literal.replaceAll(/\*+/g, '[^/]*').replaceAll('?', '[^/]'), 'i');
}

const directoryOf = (path: string): string => `/${path.slice(0, path.lastIndexOf('/') + 1)}`;

/** Ids of entries with a fitting name, in batches: whoever has enough of them asks for no more. */
function* findCandidates(
  connection: CatalogConnection,
  name: string,
  { like, prefix }: Pattern,
  batch: number,
): Generator<number[]> {
  const search = (query: string, start: string, like: string): Generator<number[]> =>
    batches(connection.each(query, { ':start': start, ':end': `${start}\u{10ffff}`, ':like': like }), batch);
  if (prefix === undefined) {
    yield* search(BEGINNING, name, `${escaped(name)}%`);
    yield* search(ELSEWHERE, name, like);
  } else {
    yield* search(prefix === '' ? ANY : BEGINNING, prefix, like);
  }
}

const BEGINNING = `
  SELECT id FROM entry INDEXED BY entry_name
  WHERE name >= :start COLLATE NOCASE AND name < :end COLLATE NOCASE AND name LIKE :like ESCAPE '\\'
  ORDER BY name COLLATE NOCASE`;

const ANY = "SELECT id FROM entry INDEXED BY entry_name WHERE name LIKE :like ESCAPE '\\'";

const ELSEWHERE = `${ANY} AND NOT (name >= :start COLLATE NOCASE AND name < :end COLLATE NOCASE)`;

function* batches(rows: Iterable<Row>, size: number): Generator<number[]> {
  let batch: number[] = [];
  for (const { id } of rows) {
    batch.push(Number(id));
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** In the order of the ids. */
function readEntries(connection: CatalogConnection, ids: readonly number[]): FoundEntry[] {
  const rows = connection.rows(
    `SELECT entry.*, child.files, child.bytes FROM json_each(:ids) AS wanted
    CROSS JOIN entry ON entry.id = wanted.value LEFT JOIN directory AS child ON child.id = entry.child
    ORDER BY wanted.key`,
    { ':ids': JSON.stringify(ids) },
  );
  return rows.map((row) => ({ ...directoryEntry(row), parent: Number(row.directory) }));
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
