/** Lists of tapes and of what is on them (behaviour.md 15.1, 15.2). */
import { readdir } from 'node:fs/promises';
import { type ContentFilter, listContent } from '../../catalog/content.ts';
import { CatalogDatabase } from '../../catalog/database.ts';
import { type Installation, now } from '../../config/installation.ts';
import { listPools } from '../../config/pools.ts';
import { toFerriteError } from '../../errors.ts';
import { updateAllOnlineStatus } from '../../library/online_status.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { listMedia as decideListing, type MediaListEntry } from '../../media/listing.ts';
import { mediaSetName } from '../../media/naming.ts';
import { poolPolicy } from '../../media/pool_policy.ts';

export interface MediaListRequest {
  pool?: string | undefined;
  /** Ask the changers where tapes are (default true). */
  updateStatus?: boolean | undefined;
  /** Ask only this changer. */
  updateStatusChanger?: string | undefined;
}

/** `warn` is told about changers that could not be asked: the list then shows what was known before. */
export async function listMedia(
  installation: Installation,
  request: MediaListRequest,
  warn: (message: string) => void = () => {},
): Promise<MediaListEntry[]> {
  const file = new InventoryFile(installation);
  if (request.updateStatus ?? true) {
    await updateAllOnlineStatus(installation, request.updateStatusChanger, warn).catch((error) =>
      warn(`cannot update where tapes are: ${toFerriteError(error).message}`),
    );
  }
  const { entries } = await file.load();
  const catalogs = new Set(await readdir(installation.paths.statusDir).catch(() => []));
  const pools = await listPools(installation);
  return decideListing({
    entries,
    pools: pools.map((pool) => poolPolicy(pool, installation.zone)),
    pool: request.pool,
    now: now(installation),
    zone: installation.zone,
    hasCatalog: (uuid) => catalogs.has(`${uuid}.log`),
  });
}

/** One snapshot on one tape, with the names that JSON and tables have. */
export interface MediaContentEntry {
  'label-text': string;
  uuid: string;
  'media-set-name': string;
  'media-set-uuid': string;
  'media-set-ctime': number;
  'seq-nr': number;
  pool: string;
  store: string;
  snapshot: string;
  'backup-time': number;
}

/** Sorted by media set, sequence number, store, snapshot. */
export async function mediaContent(installation: Installation, filter: ContentFilter): Promise<MediaContentEntry[]> {
  const { entries } = await new InventoryFile(installation).load();
  const templates = new Map((await listPools(installation)).map(({ name, template }) => [name, template]));
  const content = await CatalogDatabase.use(installation, entries, {}, (database) => listContent(database, filter));
  return content.map((entry) => ({
    'label-text': entry.labelText,
    uuid: entry.uuid,
    'media-set-name': mediaSetName(entries, entry.mediaSetUuid, templates.get(entry.pool), installation.zone),
    'media-set-uuid': entry.mediaSetUuid,
    'media-set-ctime': entry.mediaSetCtime,
    'seq-nr': entry.seqNr,
    pool: entry.pool,
    store: entry.store,
    snapshot: entry.snapshot,
    'backup-time': entry.backupTime,
  }));
}
