/**
 * Where entries are. A directory that is the same in many snapshots is one row, so the way from an entry to its paths goes
 * up: to the directories that hold its directory, and on to the roots of snapshots.
 */
import type { CatalogConnection } from './connection.ts';

/** A place where an entry is: one path in one snapshot. */
export interface Occurrence {
  store: string;
  snapshot: string;
  /** From the archive on: `root.pxar.didx/etc/passwd`. */
  path: string;
}

/** Directories that are followed for one question; and rows for one step: equal directories can be in very many places. */
const MOST_DIRECTORIES = 100_000;
/** Paths have less than 4096 bytes where they come from. */
const DEEPEST = 2048;

/** One directory that holds another, under a name. */
interface Holder {
  directory: number;
  name: string;
}

/** The places of directories, for one question about many: what they have in common is looked up once. */
export class DirectoryPlaces {
  readonly #connection: CatalogConnection;
  readonly #limit: number;
  readonly #holders = new Map<number, Holder[]>();
  readonly #roots = new Map<number, Occurrence[]>();
  readonly #places = new Map<number, Occurrence[]>();

  /** `limit`: places that are told of each directory. */
  constructor(connection: CatalogConnection, limit: number) {
    this.#connection = connection;
    this.#limit = limit;
  }

  /** Follows directories to their roots, all of them a step at a time. */
  follow(directories: Iterable<number>): void {
    let level = [...new Set(directories)].filter((directory) => !this.#holders.has(directory));
    while (level.length > 0 && this.#holders.size < MOST_DIRECTORIES) {
      for (const directory of level) this.#holders.set(directory, []);
      const parameters = { ':directories': JSON.stringify(level), ':most': MOST_DIRECTORIES };
      this.#takeRoots(parameters);
      level = this.#takeHolders(parameters);
    }
  }

  #takeRoots(parameters: { ':directories': string; ':most': number }): void {
    const rows = this.#connection.rows(
      `SELECT listing.root, listing.store, listing.path FROM json_each(:directories)
      CROSS JOIN listing ON listing.root = json_each.value LIMIT :most`,
      parameters,
    );
    for (const row of rows) {
      const place = { store: String(row.store), snapshot: String(row.path), path: '' };
      append(this.#roots, Number(row.root), place);
    }
  }

  /** Directories that were not seen before. */
  #takeHolders(parameters: { ':directories': string; ':most': number }): number[] {
    const rows = this.#connection.rows(
      `SELECT entry.child, entry.directory, entry.name FROM json_each(:directories)
      CROSS JOIN entry ON entry.child = json_each.value LIMIT :most`,
      parameters,
    );
    const found = new Set<number>();
    for (const row of rows) {
      const directory = Number(row.directory);
      append(this.#holders, Number(row.child), { directory, name: String(row.name) });
      if (!this.#holders.has(directory)) found.add(directory);
    }
    return [...found];
  }

  /** Of a directory that was followed: its paths, each with a slash at its end; those in the newest snapshots first. */
  of(directory: number): readonly Occurrence[] {
    return this.#placesOf(directory, 0);
  }

  #placesOf(directory: number, depth: number): readonly Occurrence[] {
    const known = this.#places.get(directory);
    if (known || depth > DEEPEST) return known ?? [];
    this.#places.set(directory, []); // a damaged catalog may hold a directory in itself
    const places = [...(this.#roots.get(directory) ?? [])];
    for (const holder of this.#holders.get(directory) ?? []) {
      for (const { store, snapshot, path } of this.#placesOf(holder.directory, depth + 1)) {
        places.push({ store, snapshot, path: `${path}${holder.name}/` });
      }
    }
    const newest = places.sort(newestFirst).slice(0, this.#limit);
    this.#places.set(directory, newest);
    return newest;
  }
}

function append<Value>(lists: Map<number, Value[]>, key: number, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

const timeOf = ({ snapshot }: Occurrence): string => snapshot.slice(snapshot.lastIndexOf('/') + 1);

function newestFirst(a: Occurrence, b: Occurrence): number {
  const [first, second] = [timeOf(a), timeOf(b)];
  if (first !== second) return first < second ? 1 : -1;
  if (a.snapshot !== b.snapshot) return a.snapshot < b.snapshot ? -1 : 1;
  return a.path < b.path ? -1 : Number(a.path > b.path);
}

/** Where an entry is, over all snapshots that hold it in the same state, the newest first. */
export function occurrences(connection: CatalogConnection, entry: number, limit = 1000): Occurrence[] {
  const [row] = connection.rows('SELECT directory, name FROM entry WHERE id = :entry', { ':entry': entry });
  if (!row) return [];
  const places = new DirectoryPlaces(connection, limit);
  const directory = Number(row.directory);
  places.follow([directory]);
  return placesIn(places, directory, String(row.name));
}

/** Of an entry in a directory. */
export function placesIn(places: DirectoryPlaces, directory: number, name: string): Occurrence[] {
  return places.of(directory).map(({ store, snapshot, path }) => ({ store, snapshot, path: path + name }));
}
