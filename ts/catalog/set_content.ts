/** What a media set holds, for the job that goes on writing to it. */
import type { Installation } from '../config/installation.ts';
import { toFerriteError } from '../errors.ts';
import type { WorkLog } from '../log.ts';
import { lastMember, type MediaSet } from '../media/membership.ts';
import type { InventoryEntry } from '../native.ts';
import { CatalogDatabase } from './database.ts';

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
  const members = new Set(set.members.values());
  const torn = await CatalogDatabase.use(installation, entries, {}, ({ problems }) => problems);
  for (const { mediaUuid, path } of torn) if (members.has(mediaUuid)) await mendCatalog(path, log);
  const select = 'SELECT media_uuid, path FROM snapshot WHERE store = :store';
  return CatalogDatabase.use(installation, entries, {}, (database) => {
    database.requireUsable(members);
    const rows = database.query(select, { ':store': store });
    return new Set(rows.filter((row) => members.has(String(row.media_uuid))).map((row) => String(row.path)));
  });
}

/**
 * A job that was killed while it appended to a catalog left half a record. It never said that what the record is about was
 * safe, so nothing is lost with it; a catalog that is damaged otherwise stays as it is.
 */
async function mendCatalog(path: string, log: WorkLog): Promise<void> {
  const { cutTornCatalog } = await import('../native.ts');
  try {
    const bytes = await cutTornCatalog(path);
    if (bytes > 0) log.warn(`cut off the last ${bytes} bytes of ${path}: a job was stopped while it wrote them`);
  } catch (error) {
    const { kind, code } = toFerriteError(error);
    if (kind !== 'data' && code !== 'io') throw error; // else told as the problem that it is
  }
}
