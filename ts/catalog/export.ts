/** A database to take along: all of the catalog, or the part that a person asked for. */
import { CatalogConnection } from './connection.ts';
import { sqlEngine } from './engine.ts';
import { forgetLostListings } from './file_rows.ts';
import { type CatalogStatistics, catalogStatistics } from './statistics.ts';

export interface ExportScope {
  mediaSet?: string | undefined;
  pool?: string | undefined;
  /** Epoch seconds: snapshots from then on. */
  since?: number | undefined;
}

export interface ExportedDatabase {
  bytes: Uint8Array;
  statistics: CatalogStatistics;
}

/** `connection` stays as it is. */
export async function exportDatabase(
  connection: CatalogConnection,
  scope: ExportScope,
  exported: number,
): Promise<ExportedDatabase> {
  const copy = CatalogConnection.open(await sqlEngine(), connection.export());
  try {
    restrict(copy, scope);
    // Which files of the server it was made from is nobody's business elsewhere.
    copy.run('DELETE FROM catalog_file');
    const about = { exported: String(exported), ...scopeText(scope) };
    copy.insertRows('about', Object.entries(about));
    copy.run('VACUUM');
    return { statistics: catalogStatistics(copy), bytes: copy.export() };
  } finally {
    copy.close();
  }
}

function scopeText({ mediaSet, pool, since }: ExportScope): Record<string, string> {
  return {
    ...(mediaSet !== undefined && { mediaSet }),
    ...(pool !== undefined && { pool }),
    ...(since !== undefined && { since: String(since) }),
  };
}

function restrict(copy: CatalogConnection, { mediaSet, pool, since }: ExportScope): void {
  if (mediaSet !== undefined) copy.run('DELETE FROM media WHERE media_set_uuid IS NOT ?', [mediaSet]);
  if (pool !== undefined) copy.run('DELETE FROM media WHERE pool IS NOT ?', [pool]);
  if (since !== undefined) copy.run('DELETE FROM snapshot WHERE backup_time < ?', [since]);
  for (const table of ['snapshot', 'archive', 'tape_file_size']) {
    copy.run(`DELETE FROM ${table} WHERE media_uuid NOT IN (SELECT uuid FROM media)`);
  }
  copy.run('DELETE FROM media_set WHERE uuid NOT IN (SELECT media_set_uuid FROM media WHERE media_set_uuid NOT NULL)');
  copy.run(
    'DELETE FROM encryption_key WHERE fingerprint NOT IN (SELECT key_fingerprint FROM media WHERE key_fingerprint NOT NULL)',
  );
  forgetLostListings(copy);
}
