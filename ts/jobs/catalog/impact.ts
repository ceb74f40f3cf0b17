/** What would be lost with a tape or one of its files, and which other tapes and datastores hold it: `catalog impact`. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { AffectedSnapshot } from '../../catalog/impact.ts';
import type { MediaSetSummary } from '../../catalog/tapes.ts';
import { listDatastores } from '../../config/datastores.ts';
import type { Installation } from '../../config/installation.ts';
import { toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { collectSet, setLabelOf } from '../../media/membership.ts';
import type { ArchiveCoverage, ChunkIndex, InventoryEntry } from '../../native.ts';
import { withDatastore } from '../datastore/datastores.ts';
import { openChunkIndex } from '../datastore/snapshot_contents.ts';
import { type CatalogRequest, withCatalog } from './questions.ts';

export interface ImpactRequest extends CatalogRequest {
  labelText: string;
  /** Only this file of the tape. */
  file?: number | undefined;
}

/** Where else the chunks are. */
export interface ChunkCopies {
  /** Name of the media set, or of the datastore. */
  name: string;
  chunks: number;
}

export interface ChunkImpact {
  /** Chunks on the tape, or in the file. */
  chunks: number;
  /** Those that are in no other media set and no datastore. */
  lost: number;
  mediaSets: ChunkCopies[];
  datastores: ChunkCopies[];
}

export interface SnapshotImpact extends AffectedSnapshot {
  /** Datastores that have the snapshot. */
  datastores: string[];
}

export interface CatalogImpact {
  labelText: string;
  uuid: string;
  file?: number;
  /** Snapshots that the media set cannot restore without it. */
  snapshots: SnapshotImpact[];
  /** Those that are in no other media set and no datastore. */
  lost: number;
  /** Absent where the chunks of the tape are not known. */
  chunks?: ChunkImpact;
}

export async function catalogImpact(
  installation: Installation,
  request: ImpactRequest,
  log: WorkLog,
): Promise<CatalogImpact> {
  const inventory = await new InventoryFile(installation).load();
  const tape = inventory.getByLabel(request.labelText);
  const { uuid } = tape.label;
  const set = setLabelOf(tape);
  const sameSet = set ? collectSet(inventory.entries, set.uuid).members.values() : [];
  return withCatalog(installation, request, log, async (catalog, database) => {
    // "Nothing would be lost" must not be said of what is not known.
    database.requireUsable(new Set([uuid, ...sameSet]));
    const affected = catalog.affectedSnapshots({ media: uuid, fileNumber: request.file });
    const stored = await storedSnapshots(installation, affected, log);
    const snapshots = affected.map((snapshot) => ({
      ...snapshot,
      datastores: stored.get(snapshot.store)?.has(snapshot.path) ? [snapshot.store] : [],
    }));
    const chunks = await chunkImpact(installation, { tape, request, catalog }, log);
    return {
      labelText: request.labelText,
      uuid,
      ...(request.file !== undefined && { file: request.file }),
      snapshots,
      lost: snapshots.filter(({ copies, datastores }) => copies.length === 0 && datastores.length === 0).length,
      ...(chunks && { chunks }),
    };
  });
}

/** Paths of the finished snapshots in the datastores that are named like the affected ones' sources. */
async function storedSnapshots(
  installation: Installation,
  affected: readonly AffectedSnapshot[],
  log: WorkLog,
): Promise<Map<string, Set<string>>> {
  const wanted = new Set(affected.map(({ store }) => store));
  const stored = new Map<string, Set<string>>();
  for (const { name } of await listDatastores(installation)) {
    if (!wanted.has(name)) continue;
    try {
      await withDatastore(installation, name, 'read', log.signal, async ({ store }) => {
        const { snapshots } = await store.listSnapshots({});
        stored.set(name, new Set(snapshots.filter(({ finished }) => finished).map(({ path }) => path)));
      });
    } catch (error) {
      log.warn(`datastore '${name}' does not count: ${reasonOf(error)}`);
    }
  }
  return stored;
}

/** Why something is left out; an abort or a programmer error goes on. */
function reasonOf(error: unknown): string {
  const known = toFerriteError(error);
  if (known.kind === 'aborted' || known.code === 'internal') throw known;
  return known.message;
}

interface Question {
  tape: InventoryEntry;
  request: ImpactRequest;
  catalog: Catalog;
}

async function chunkImpact(
  installation: Installation,
  { tape, request, catalog }: Question,
  log: WorkLog,
): Promise<ChunkImpact | undefined> {
  const set = setLabelOf(tape);
  if (!set) return undefined;
  const others = catalog.mediaSets().filter(({ uuid }) => uuid !== set.uuid);
  const indexes = await openIndexes(installation, others, log);
  try {
    const names = (await listDatastores(installation)).map(({ name }) => name);
    return await withUsable(installation, names, log, async (stores) => {
      const { chunkCoverage } = await import('../../native.ts');
      const archives = await chunkCoverage({
        catalogPath: installation.paths.catalogFile(tape.label.uuid),
        ...(request.file !== undefined && { fileNumber: request.file }),
        sets: indexes.map(({ index }) => index),
        stores: stores.map(({ store }) => store),
      });
      return summarize(
        archives,
        indexes.map(({ name }) => name),
        stores.map(({ name }) => name),
      );
    });
  } catch (error) {
    log.warn(`what becomes of the chunks cannot be told: ${reasonOf(error)}`);
    return undefined;
  } finally {
    for (const { index } of indexes) index.close();
  }
}

async function openIndexes(
  installation: Installation,
  sets: readonly MediaSetSummary[],
  log: WorkLog,
): Promise<{ name: string; index: ChunkIndex }[]> {
  const open: { name: string; index: ChunkIndex }[] = [];
  for (const { uuid, name } of sets) {
    try {
      open.push({ name, index: await openChunkIndex(installation, uuid) });
    } catch (error) {
      log.warn(`media set '${name}' does not count: ${reasonOf(error)}`);
    }
  }
  return open;
}

type OpenStore = { name: string; store: Parameters<Parameters<typeof withDatastore>[4]>[0]['store'] };

/** Opens the datastores that can be opened, one inside the other. */
async function withUsable<T>(
  installation: Installation,
  names: readonly string[],
  log: WorkLog,
  work: (stores: OpenStore[]) => Promise<T>,
  open: OpenStore[] = [],
): Promise<T> {
  const [name, ...rest] = names;
  if (name === undefined) return work(open);
  let entered = false;
  try {
    return await withDatastore(installation, name, 'read', log.signal, ({ store }) => {
      entered = true;
      return withUsable(installation, rest, log, work, [...open, { name, store }]);
    });
  } catch (error) {
    if (entered) throw error;
    log.warn(`datastore '${name}' does not count: ${reasonOf(error)}`);
    return withUsable(installation, rest, log, work, open);
  }
}

function summarize(
  archives: readonly ArchiveCoverage[],
  sets: readonly string[],
  stores: readonly string[],
): ChunkImpact {
  const sum = (pick: (archive: ArchiveCoverage) => number): number =>
    archives.reduce((total, archive) => total + pick(archive), 0);
  return {
    chunks: sum(({ chunks }) => chunks),
    lost: sum(({ nowhere }) => nowhere),
    mediaSets: sets.map((name, at) => ({ name, chunks: sum(({ inSets }) => inSets[at] ?? 0) })),
    datastores: stores.map((name, at) => ({ name, chunks: sum(({ inStores }) => inStores[at] ?? 0) })),
  };
}
