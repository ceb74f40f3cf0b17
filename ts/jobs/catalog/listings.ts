/** The list of files of one snapshot, as rows of the catalog database. */
import type { CatalogDatabase } from '../../catalog/database.ts';
import { FileRows } from '../../catalog/file_rows.ts';
import type { ListingState } from '../../catalog/snapshots.ts';
import { toFerriteError } from '../../errors.ts';
import type { Datastore, FileList } from '../../native.ts';

/** The key of a backup client, for file lists that it encrypted. */
export interface ClientKey {
  /** The key file. */
  file: Uint8Array;
  /** Unless the key has none. */
  password?: Uint8Array | undefined;
}

/** Reads the list of a snapshot in `source`, a datastore or a folder like one. Throws what is wrong with it. */
export async function takeListing(
  database: CatalogDatabase,
  source: Datastore,
  { store, path }: { store: string; path: string },
  key: ClientKey | undefined,
): Promise<ListingState> {
  const list = await source.fileList({
    snapshot: path,
    ...(key && { clientKey: Buffer.from(key.file) }),
    ...(key?.password && { password: Buffer.from(key.password) }),
  });
  try {
    await storeListing(database, store, path, list);
    return list.state;
  } finally {
    list.close();
  }
}

/** All of a list or, if it is damaged, that it is. */
async function storeListing(database: CatalogDatabase, store: string, path: string, list: FileList): Promise<void> {
  const { connection } = database;
  connection.run('BEGIN');
  const rows = new FileRows(connection);
  try {
    for (let page = await list.next(); page !== null; page = await list.next()) rows.add(page);
    insertListing(database, { store, path, state: list.state, root: rows.root, archives: list.archives });
    connection.run('COMMIT');
  } catch (error) {
    connection.run('ROLLBACK');
    const known = toFerriteError(error);
    if (known.kind !== 'data' || known.code === 'catalog-damaged') throw known;
    const message = known.message;
    insertListing(database, { store, path, state: 'damaged', message, root: undefined, archives: list.archives });
    throw known;
  } finally {
    rows.free();
  }
}

interface ListingRow {
  store: string;
  path: string;
  state: ListingState;
  message?: string;
  root: number | undefined;
  archives: FileList['archives'];
}

function insertListing(
  { connection }: CatalogDatabase,
  { store, path, state, message, root, archives }: ListingRow,
): void {
  connection.run(
    `INSERT INTO listing (store, path, state, message, root) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (store, path) DO UPDATE SET state = excluded.state, message = excluded.message, root = excluded.root`,
    [store, path, state, message ?? null, root ?? null],
  );
  const [row] = connection.rows('SELECT id FROM listing WHERE store = :store AND path = :path', {
    ':store': store,
    ':path': path,
  });
  const files = archives.map(({ filename, size, cryptMode }, position) => [
    Number(row?.id),
    position,
    filename,
    size,
    cryptMode,
  ]);
  connection.run('DELETE FROM snapshot_file WHERE listing = ?', [Number(row?.id)]);
  connection.insertRows('snapshot_file', files);
}
