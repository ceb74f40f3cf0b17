/**
 * Chosen snapshots of a media set back into datastores (behaviour.md 12.4): first their files, which say what chunks they
 * need; then the chunks that the targets lack; then the snapshots appear. Only what is needed is read, so a tape may come
 * into the drive twice.
 */
import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CatalogDatabase } from '../../catalog/database.ts';
import type { Installation } from '../../config/installation.ts';
import type { NamespaceMapping, StoreMapping } from '../../config/store_mapping.ts';
import { type OpenDrive, onTape } from '../../library/drives/drive.ts';
import type { WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import type { ChunkDemand, InventoryEntry, StoreLock } from '../../native.ts';
import type { ClaimedDatastore } from '../datastore/datastores.ts';
import { buildChunkIndex } from '../datastore/snapshot_contents.ts';
import { type ArchivedSnapshot, type ChosenSnapshot, chooseSnapshots } from './selection.ts';
import { emptySummary, type RestoreSummary, restoreListener, storeTargets } from './summary.ts';
import { loadMember } from './tapes.ts';

export interface ChosenRestore {
  readonly installation: Installation;
  readonly drive: OpenDrive;
  readonly mediaSet: string;
  /** All tapes of the set, in order. */
  readonly members: readonly InventoryEntry[];
  readonly stores: readonly ClaimedDatastore[];
  readonly mapping: StoreMapping;
  readonly snapshots: readonly string[] | undefined;
  readonly namespaces: readonly NamespaceMapping[] | undefined;
  readonly owner: string;
  readonly memoryBytes: number | undefined;
  readonly log: WorkLog;
}

interface Staged {
  readonly snapshot: ChosenSnapshot;
  readonly directory: string;
}

export async function restoreChosen(request: ChosenRestore): Promise<RestoreSummary> {
  const { log, mediaSet, stores } = request;
  const summary = emptySummary(mediaSet);
  const chosen = await missingSnapshots(request, summary);
  if (chosen.length === 0) {
    log.info('nothing to restore');
    return summary;
  }
  log.info(`restore ${chosen.length} snapshots of media set ${mediaSet}`);
  const locks: StoreLock[] = [];
  try {
    for (const { store } of stores) locks.push(await store.lockForWriting());
    await removeStages(request);
    const staged = await stageAll(request, chosen, summary);
    await fetchChunks(request, staged, summary);
    for (const each of staged) await install(request, each, summary);
  } finally {
    await removeStages(request);
    for (const lock of locks) lock.release();
  }
  return summary;
}

/** What the catalogs name of the set, in order of its tapes. Fails where one of them cannot be used. */
export async function archivedSnapshots(
  installation: Installation,
  members: readonly InventoryEntry[],
): Promise<ArchivedSnapshot[]> {
  const { entries } = await new InventoryFile(installation).load();
  const select = 'SELECT store, path, file_number FROM snapshot WHERE media_uuid = :uuid ORDER BY file_number';
  return CatalogDatabase.use(installation, entries, {}, (database) => {
    database.requireUsable(new Set(members.map(({ label }) => label.uuid)));
    return members.flatMap(({ label }) =>
      database.query(select, { ':uuid': label.uuid }).map((row) => ({
        store: String(row.store),
        snapshot: String(row.path),
        mediaUuid: label.uuid,
        fileNumber: Number(row.file_number),
      })),
    );
  });
}

/** The chosen snapshots without those that their targets have. */
async function missingSnapshots(request: ChosenRestore, summary: RestoreSummary): Promise<ChosenSnapshot[]> {
  const { installation, members, mapping, snapshots, namespaces, stores, log } = request;
  const archived = await archivedSnapshots(installation, members);
  const { chosen, problems } = chooseSnapshots({ archived, stores: mapping, snapshots, namespaces });
  for (const problem of problems) log.warn(`skip ${problem}`);
  const present = new Map<string, ReadonlySet<string>>();
  for (const { store } of stores) {
    const listing = await store.listSnapshots({});
    present.set(store.name, new Set(listing.snapshots.map(({ path }) => path)));
  }
  return chosen.flatMap((each) => {
    const restoredAs = each.restoredAs.filter((path) => !present.get(each.target)?.has(path));
    for (const path of each.restoredAs) {
      if (!restoredAs.includes(path)) log.warn(`skip ${each.store}:${each.snapshot}: ${each.target}:${path} exists`);
    }
    if (restoredAs.length === 0) summary.existing.push({ store: each.store, snapshot: each.snapshot });
    return restoredAs.length === 0 ? [] : [{ ...each, restoredAs }];
  });
}

const storeOf = ({ stores }: ChosenRestore, name: string): ClaimedDatastore =>
  stores.find(({ store }) => store.name === name) as ClaimedDatastore;

/** Beside the data of the target, so that nothing has to be copied between file systems. */
function stageRoot(request: ChosenRestore, target: string): string {
  return join(storeOf(request, target).store.path, '.tmp', request.mediaSet);
}

async function removeStages(request: ChosenRestore): Promise<void> {
  for (const { store } of request.stores) {
    const root = stageRoot(request, store.name);
    await rm(root, { recursive: true, force: true });
    await rmdir(dirname(root)).catch(() => undefined); // others may be at work in there
  }
}

async function stageAll(
  request: ChosenRestore,
  chosen: readonly ChosenSnapshot[],
  summary: RestoreSummary,
): Promise<Staged[]> {
  const staged: Staged[] = [];
  for (const member of request.members) {
    const wanted = chosen
      .filter(({ mediaUuid }) => mediaUuid === member.label.uuid)
      .map((snapshot) => ({
        snapshot,
        directory: join(stageRoot(request, snapshot.target), snapshot.store, snapshot.snapshot),
      }));
    if (wanted.length > 0) staged.push(...(await stageTape(request, member, wanted, summary)));
  }
  return staged;
}

async function stageTape(
  request: ChosenRestore,
  member: InventoryEntry,
  wanted: readonly Staged[],
  summary: RestoreSummary,
): Promise<Staged[]> {
  const { installation, drive, log } = request;
  const { labelText } = member.label;
  await loadMember(installation, drive, member, summary, log);
  const files = wanted.map(({ snapshot, directory }) => ({
    fileNumber: snapshot.fileNumber,
    store: snapshot.store,
    snapshot: snapshot.snapshot,
    directory,
  }));
  const outcome = await onTape(labelText, drive.tape.stageSnapshots(files, restoreListener(labelText, log)));
  summary.bytesRead += outcome.bytesRead;
  summary.seconds += outcome.seconds;
  for (const { fileNumber, message, lost } of outcome.incomplete) {
    if (lost) summary.lost.push({ store: lost.store, snapshot: lost.snapshot, labelText, fileNumber, message });
  }
  const incomplete = new Set(outcome.incomplete.map(({ fileNumber }) => fileNumber));
  return wanted.filter(({ snapshot }) => !incomplete.has(snapshot.fileNumber));
}

async function fetchChunks(request: ChosenRestore, staged: readonly Staged[], summary: RestoreSummary): Promise<void> {
  const { members, log } = request;
  const demand = await collectDemand(request, staged);
  const byTape = new Map<string, number[]>();
  for (const { mediaUuid, fileNumber } of demand.places) {
    byTape.set(mediaUuid, [...(byTape.get(mediaUuid) ?? []), fileNumber]);
  }
  if (byTape.size === 0) log.info('all chunks are there already');
  for (const member of startingWithLoaded(members, summary)) {
    const files = byTape.get(member.label.uuid);
    if (files) await fetchFromTape(request, member, demand, files, summary);
  }
}

/** The tape that is in the drive comes first: it need not be loaded again. */
function startingWithLoaded(members: readonly InventoryEntry[], summary: RestoreSummary): InventoryEntry[] {
  const loaded = summary.media.at(-1)?.uuid;
  const isLoaded = ({ label }: InventoryEntry): boolean => label.uuid === loaded;
  return [...members.filter(isLoaded), ...members.filter((member) => !isLoaded(member))];
}

async function collectDemand(request: ChosenRestore, staged: readonly Staged[]): Promise<ChunkDemand> {
  const { installation, mediaSet, members } = request;
  const { ChunkDemand: native } = await import('../../native.ts');
  const uuids = members.map(({ label }) => label.uuid);
  const index = await buildChunkIndex(installation, mediaSet, uuids);
  try {
    const stores = [...new Set(staged.map(({ snapshot }) => snapshot.store))];
    const sources = stores.map((store) => {
      const own = staged.filter(({ snapshot }) => snapshot.store === store);
      const target = storeOf(request, own[0]?.snapshot.target ?? '').options;
      return { store, target, directories: own.map(({ directory }) => directory) };
    });
    return await native.collect(index, sources);
  } finally {
    index.close();
  }
}

async function fetchFromTape(
  request: ChosenRestore,
  member: InventoryEntry,
  demand: ChunkDemand,
  files: readonly number[],
  summary: RestoreSummary,
): Promise<void> {
  const { installation, drive, mapping, stores, owner, memoryBytes, log } = request;
  const { labelText, uuid } = member.label;
  const labels = await loadMember(installation, drive, member, summary, log);
  const plan = {
    labels,
    mapping: storeTargets(mapping, stores),
    ownerAuthId: owner,
    catalogPath: installation.paths.catalogFile(uuid),
    ...(memoryBytes !== undefined && { memoryBytes }),
    selection: { files: [...files].sort((a, b) => a - b), demand },
  };
  const outcome = await onTape(labelText, drive.tape.restore(plan, restoreListener(labelText, log)));
  summary.chunksRestored += outcome.chunksRestored;
  summary.chunksPresent += outcome.chunksPresent;
  summary.bytesRead += outcome.bytesRead;
  summary.bytesRestored += outcome.bytesRestored;
  summary.seconds += outcome.seconds;
}

async function install(request: ChosenRestore, staged: Staged, summary: RestoreSummary): Promise<void> {
  const { owner, log, members } = request;
  const { snapshot, directory } = staged;
  const { store, fileNumber, mediaUuid, target } = snapshot;
  const member = members.find(({ label }) => label.uuid === mediaUuid);
  const labelText = member?.label.labelText ?? mediaUuid;
  for (const path of snapshot.restoredAs) {
    log.signal.throwIfAborted();
    const { status, reason = '' } = await storeOf(request, target).store.installSnapshot(directory, path, owner);
    const name = `${store}:${snapshot.snapshot}`;
    if (status === 'restored') {
      log.info(`restored ${name} as ${target}:${path}`);
      summary.restored.push({ store, snapshot: snapshot.snapshot, target, restoredAs: path, labelText, fileNumber });
    } else if (status === 'existing') {
      log.warn(`skip ${name}: ${target}:${path} exists now`);
      summary.existing.push({ store, snapshot: snapshot.snapshot });
    } else {
      const message = `snapshot ${name} was not restored: ${reason}`;
      log.warn(message);
      summary.lost.push({ store, snapshot: snapshot.snapshot, labelText, fileNumber, message });
      return;
    }
  }
}
