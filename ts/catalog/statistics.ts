/** How much a catalog database knows. */
import type { CatalogConnection } from './connection.ts';

export interface CatalogStatistics {
  pools: number;
  mediaSets: number;
  tapes: number;
  /** Different ones. */
  snapshots: number;
  /** Snapshots on tapes; one on several tapes counts several times. */
  snapshotArchives: number;
  chunkArchives: number;
  /** On all tapes; a chunk that several sets have counts several times. */
  chunks: number;
  /** Snapshots whose files are known. */
  listedSnapshots: number;
  /** Snapshots whose client encrypted the list of files. */
  encryptedSnapshots: number;
  /** Snapshots that nobody looked into. */
  unlistedSnapshots: number;
  /** Directories, each state of one once. */
  directories: number;
  /** Files and directories, each state of a directory once. */
  entries: number;
  /** Files in all snapshots, each counted as often as it is there. */
  files: number;
}

const QUERIES: { [Name in keyof CatalogStatistics]: string } = {
  pools: 'SELECT count(DISTINCT pool) FROM media',
  mediaSets: 'SELECT count(DISTINCT media_set_uuid) FROM media',
  tapes: 'SELECT count(*) FROM media',
  snapshots: "SELECT count(DISTINCT store || ':' || path) FROM snapshot",
  snapshotArchives: 'SELECT count(*) FROM snapshot',
  chunkArchives: 'SELECT count(*) FROM archive',
  chunks: 'SELECT coalesce(sum(chunks), 0) FROM archive',
  listedSnapshots: "SELECT count(*) FROM listing WHERE state = 'listed'",
  encryptedSnapshots: "SELECT count(*) FROM listing WHERE state = 'encrypted'",
  unlistedSnapshots: `SELECT count(DISTINCT snapshot.store || ':' || snapshot.path) FROM snapshot
    LEFT JOIN listing ON listing.store = snapshot.store AND listing.path = snapshot.path WHERE listing.id IS NULL`,
  directories: 'SELECT count(*) FROM directory',
  entries: 'SELECT count(*) FROM entry',
  files: 'SELECT coalesce(sum(directory.files), 0) FROM listing JOIN directory ON directory.id = listing.root',
};

export function catalogStatistics(connection: CatalogConnection): CatalogStatistics {
  const count = (query: string): number => Number(Object.values(connection.rows(query)[0] ?? {})[0] ?? 0);
  return Object.fromEntries(
    Object.entries(QUERIES).map(([name, query]) => [name, count(query)]),
  ) as unknown as CatalogStatistics;
}
