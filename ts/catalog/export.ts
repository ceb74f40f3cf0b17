/** A database to take along: all of the catalog, or the part that a person asked for. */
import type { CatalogConnection } from './connection.ts';
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

/** Of deleted rows this part of the file may be left as empty pages. */
const TOLERATED_EMPTINESS = 0.1;

/** `connection` becomes the export: a copy of a large database would take its memory again. */
export function exportDatabase(connection: CatalogConnection, scope: ExportScope, exported: number): ExportedDatabase {
  restrict(connection, scope);
  // Which files of the server it was made from is nobody's business elsewhere.
  connection.run('DELETE FROM catalog_file');
  const about = { exported: String(exported), ...scopeText(scope) };
  connection.run('DELETE FROM about');
  connection.insertRows('about', Object.entries(about));
  if (emptiness(connection) > TOLERATED_EMPTINESS) {
    // Without a journal, which would hold all of it once more; nothing is lost if this fails.
    connection.run('PRAGMA journal_mode = OFF');
    connection.run('VACUUM');
  }
  return { statistics: catalogStatistics(connection), bytes: connection.export() };
}

/** Share of the pages that hold nothing. */
function emptiness(connection: CatalogConnection): number {
  const value = (name: string): number => Number(connection.rows(`PRAGMA ${name}`)[0]?.[name]);
  return value('freelist_count') / value('page_count');
}

function scopeText({ mediaSet, pool, since }: ExportScope): Record<string, string> {
  return {
    ...(mediaSet !== undefined && { mediaSet }),
    ...(pool !== undefined && { pool }),
    ...(since !== undefined && { since: String(since) }),
  };
}

function restrict(connection: CatalogConnection, { mediaSet, pool, since }: ExportScope): void {
  if (mediaSet !== undefined) connection.run('DELETE FROM media WHERE media_set_uuid IS NOT ?', [mediaSet]);
  if (pool !== undefined) connection.run('DELETE FROM media WHERE pool IS NOT ?', [pool]);
  if (since !== undefined) connection.run('DELETE FROM snapshot WHERE backup_time < ?', [since]);
  for (const table of ['snapshot', 'archive', 'tape_file_size']) {
    connection.run(`DELETE FROM ${table} WHERE media_uuid NOT IN (SELECT uuid FROM media)`);
  }
  connection.run(
    'DELETE FROM media_set WHERE uuid NOT IN (SELECT media_set_uuid FROM media WHERE media_set_uuid NOT NULL)',
  );
  connection.run(
    'DELETE FROM encryption_key WHERE fingerprint NOT IN (SELECT key_fingerprint FROM media WHERE key_fingerprint NOT NULL)',
  );
  forgetLostListings(connection);
}
