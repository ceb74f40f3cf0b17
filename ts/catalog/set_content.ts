/** What a media set holds, for the job that goes on writing to it. */
import { FerriteError } from '../errors.ts';
import type { CatalogDatabase } from './database.ts';

/**
 * Paths of a datastore's snapshots on these tapes. Fails if one of their catalogs is missing or unreadable: a job would
 * write again what the set has, and dedup against less than it holds.
 */
export function snapshotsInSet(
  database: CatalogDatabase,
  members: ReadonlySet<string>,
  store: string,
): ReadonlySet<string> {
  const problem = database.problems.find(({ mediaUuid }) => members.has(mediaUuid));
  if (problem) {
    throw new FerriteError(
      'data',
      'catalog-unusable',
      `the catalog of tape '${problem.labelText}' of the current media set (${problem.path}) is ${problem.reason}: ` +
        `load the tape and run 'proxmox-tape catalog --force'`,
    );
  }
  const rows = database.query('SELECT media_uuid, path FROM snapshot WHERE store = :store', { ':store': store });
  return new Set(rows.filter((row) => members.has(String(row.media_uuid))).map((row) => String(row.path)));
}
