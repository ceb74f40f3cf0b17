/** What a media set holds, for the job that goes on writing to it. */
import type { Installation } from '../config/installation.ts';
import { FerriteError, toFerriteError } from '../errors.ts';
import type { WorkLog } from '../log.ts';
import { lastMember, type MediaSet } from '../media/membership.ts';
import type { InventoryEntry } from '../native.ts';
import { CatalogDatabase, type CatalogProblem, problemText } from './database.ts';

/**
 * Paths of a datastore's snapshots in a media set. Fails if the catalog of one of its tapes is missing or unreadable: a job
 * would write again what the set has, and dedup against less than it holds.
 */
export async function snapshotsInSet(
  installation: Installation,
  entries: readonly InventoryEntry[],
  set: MediaSet,
  store: string,
  log: WorkLog,
): Promise<ReadonlySet<string>> {
  const last = lastMember(set);
  if (last !== undefined) await mendCatalog(installation.paths.catalogFile(last), log);
  const database = await openMended(installation, entries, set, log);
  try {
    const [problem] = problemsOf(database, set);
    if (problem) throw new FerriteError('data', 'catalog-unusable', problemText(problem));
    const members = new Set(set.members.values());
    const rows = database.query('SELECT media_uuid, path FROM snapshot WHERE store = :store', { ':store': store });
    return new Set(rows.filter((row) => members.has(String(row.media_uuid))).map((row) => String(row.path)));
  } finally {
    database.close();
  }
}

async function openMended(
  installation: Installation,
  entries: readonly InventoryEntry[],
  set: MediaSet,
  log: WorkLog,
): Promise<CatalogDatabase> {
  const database = await CatalogDatabase.open(installation, entries);
  const mended = await Promise.all(problemsOf(database, set).map(({ path }) => mendCatalog(path, log)));
  if (!mended.includes(true)) return database;
  database.close();
  return CatalogDatabase.open(installation, entries);
}

function problemsOf(database: CatalogDatabase, set: MediaSet): CatalogProblem[] {
  const members = new Set(set.members.values());
  return database.problems.filter(({ mediaUuid }) => members.has(mediaUuid));
}

/**
 * A job that was killed while it appended to a catalog left half a record. It never said that what the record is about was
 * safe, so nothing is lost with it; a catalog that is damaged otherwise stays as it is.
 */
async function mendCatalog(path: string, log: WorkLog): Promise<boolean> {
  const { cutTornCatalog } = await import('../native.ts');
  try {
    const bytes = await cutTornCatalog(path);
    if (bytes > 0) log.warn(`cut off the last ${bytes} bytes of ${path}: a job was stopped while it wrote them`);
    return bytes > 0;
  } catch (error) {
    const { kind, code } = toFerriteError(error);
    if (kind === 'data' || code === 'io') return false; // told as the problem that it is
    throw error;
  }
}
