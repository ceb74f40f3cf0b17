/** Questions to the catalogs of all tapes: `catalog export`, `query`, `search`, `impact` and `stats`. */
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Catalog } from '../../catalog/catalog.ts';
import type { QueryResult } from '../../catalog/connection.ts';
import { CatalogDatabase } from '../../catalog/database.ts';
import { type ExportScope, exportDatabase } from '../../catalog/export.ts';
import { problemText } from '../../catalog/problem.ts';
import { APPLICATION_ID } from '../../catalog/schema.ts';
import type { CatalogStatistics } from '../../catalog/statistics.ts';
import { type Installation, now } from '../../config/installation.ts';
import { replaceFile } from '../../config/replace_file.ts';
import { FerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { updateFileLists } from './file_lists.ts';
import type { ClientKey } from './listings.ts';
import { describeTapes } from './tape_sightings.ts';

export interface CatalogRequest {
  /** Look into snapshots for their files where nobody did yet (default true). */
  files?: boolean | undefined;
  /** For file lists that a client encrypted. */
  clientKey?: ClientKey | undefined;
}

/** The database with everything that is known now, for one question. Problems with catalogs are told as warnings. */
export async function withCatalog<T>(
  installation: Installation,
  request: CatalogRequest,
  log: WorkLog,
  ask: (catalog: Catalog, database: CatalogDatabase) => T | Promise<T>,
): Promise<T> {
  const { entries } = await new InventoryFile(installation).load();
  return CatalogDatabase.use(installation, entries, { files: true }, async (database) => {
    if (database.notice !== undefined) log.warn(database.notice);
    for (const problem of database.problems) log.warn(problemText(problem));
    for (const path of database.strangers) {
      log.warn(`${path}: this catalog is of a tape that is not in the inventory: load the tape and run 'inventory'`);
    }
    if (request.files ?? true) {
      const { clientKey } = request;
      await updateFileLists(installation, database, { entries, ...(clientKey && { clientKey }) }, log);
    }
    await describeTapes(installation, database, (message) => log.warn(message));
    return ask(new Catalog(database.connection), database);
  });
}

export interface CatalogExport extends CatalogRequest, ExportScope {
  /** File to write; an older export there is replaced. */
  file: string;
}

export interface CatalogExportSummary {
  file: string;
  bytes: number;
  tapes: number;
  snapshots: number;
  entries: number;
}

/** Writes one SQLite file with what is known about tapes, snapshots and files. */
export async function exportCatalog(
  installation: Installation,
  request: CatalogExport,
  log: WorkLog,
): Promise<CatalogExportSummary> {
  const file = resolve(request.file);
  await refuseForeign(file);
  const { bytes, statistics } = await catalogBytes(installation, request, log);
  await replaceFile(installation, file, bytes, { mode: 0o640, owner: undefined });
  const { tapes, snapshots, entries } = statistics;
  return { file, bytes: bytes.length, tapes, snapshots, entries };
}

/** The bytes of an export. */
export async function catalogBytes(
  installation: Installation,
  request: CatalogRequest & ExportScope,
  log: WorkLog,
): Promise<{ bytes: Uint8Array; statistics: CatalogStatistics }> {
  return withCatalog(installation, request, log, (_, { connection }) => {
    const scope = { mediaSet: request.mediaSet, pool: request.pool, since: request.since };
    return exportDatabase(connection, scope, now(installation));
  });
}

/** A typing error must not cost a file that is something else. */
async function refuseForeign(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (!found || found.size === 0) return;
  const handle = found.isFile() ? await open(file) : undefined;
  try {
    const start = await handle?.read(Buffer.alloc(72), 0, 72, 0);
    if (start?.buffer.readUInt32BE(68) === APPLICATION_ID) return; // of SQLite's header
  } finally {
    await handle?.close();
  }
  throw new FerriteError(
    'usage',
    'exists',
    `${file} exists and is no export of a catalog: choose another name, or remove it`,
  );
}

/** Any SQL that reads. */
export async function queryCatalog(
  installation: Installation,
  request: CatalogRequest & { sql: string },
  log: WorkLog,
): Promise<QueryResult> {
  return withCatalog(installation, request, log, (catalog) => catalog.query(request.sql));
}

export interface CatalogSearch extends CatalogRequest {
  /** Part of a name, or a pattern with `*` and `?` for whole names; `etc/*.conf` looks in directories named so. */
  text: string;
  /** Most names that are found (default 1000). */
  limit?: number | undefined;
}

/** One file or archive in one snapshot on one tape. */
export interface FoundFile {
  labelText: string;
  location: string;
  mediaSetName: string;
  mediaSetUuid: string;
  store: string;
  snapshot: string;
  /** From the archive on: `root.pxar.didx/etc/passwd`. */
  path: string;
  /** `d`, `f`, `l` and so on; `a` for an archive. */
  kind: string;
  size: number;
  /** Epoch seconds, of a file. */
  mtime?: number;
}

/** The newest snapshots of each file first. */
export async function searchCatalog(
  installation: Installation,
  request: CatalogSearch,
  log: WorkLog,
): Promise<FoundFile[]> {
  return withCatalog(installation, request, log, (catalog) => {
    const { matches, archives, more } = catalog.search(request.text, { limit: request.limit ?? 1000 });
    if (more) log.warn('these are not all matches: ask for a longer name, or use a larger --limit');
    const onTape = tapesOfSnapshots(catalog);
    const found: Omit<FoundFile, 'labelText' | 'location' | 'mediaSetName' | 'mediaSetUuid'>[] = [
      ...archives.map(({ store, snapshot, path, size }) => ({ store, snapshot, path, kind: 'a', size })),
      ...matches.flatMap(({ places, kind, size, mtime }) =>
        places.map((place) => ({ ...place, kind, size, ...(mtime !== undefined && { mtime }) })),
      ),
    ];
    return found.flatMap((file) =>
      (onTape.get(`${file.store}:${file.snapshot}`) ?? []).map((tape) => ({ ...tape, ...file })),
    );
  });
}

type TapeOfSnapshot = Pick<FoundFile, 'labelText' | 'location' | 'mediaSetName' | 'mediaSetUuid'>;

function tapesOfSnapshots(catalog: Catalog): Map<string, TapeOfSnapshot[]> {
  const tapes = new Map(catalog.tapes().map((tape) => [tape.uuid, tape]));
  const found = new Map<string, TapeOfSnapshot[]>();
  for (const { store, path, mediaUuid } of catalog.snapshots()) {
    const tape = tapes.get(mediaUuid);
    if (!tape?.mediaSetUuid) continue;
    const { labelText, location, mediaSetUuid, mediaSetName = mediaSetUuid } = tape;
    const key = `${store}:${path}`;
    found.set(key, [...(found.get(key) ?? []), { labelText, location, mediaSetName, mediaSetUuid }]);
  }
  return found;
}

/** Counts of what is known. */
export async function catalogStats(
  installation: Installation,
  request: CatalogRequest,
  log: WorkLog,
): Promise<CatalogStatistics> {
  return withCatalog(installation, request, log, (catalog) => catalog.statistics());
}
