/**
 * File lists of snapshots from tape: `catalog --files`, for snapshots that no datastore has any more.
 *
 * A snapshot archive names the chunks of its list, and they lie before it, maybe on an earlier tape. So there are two
 * passes: first the archives of the tape in the drive go into a folder that is like a datastore, then the chunks of their
 * lists, and of lists that earlier scans could not complete. Nothing but lists is fetched, and memory does not grow with
 * them. What is still missing stays in the folder until its tape comes into the drive.
 */
import { access, link, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CatalogDatabase } from '../../catalog/database.ts';
import { ensureDirectory, type Installation } from '../../config/installation.ts';
import { type OpenDrive, onTape } from '../../library/drives/drive.ts';
import type { WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { collectSet, setLabelOf } from '../../media/membership.ts';
import type { ChunkIndex, Datastore, InventoryEntry, StoreOptions, TapeLabels } from '../../native.ts';
import { storeOptions } from '../datastore/datastores.ts';
import { buildChunkIndex } from '../datastore/snapshot_contents.ts';
import { restoreListener } from '../restore/summary.ts';
import { takeFileLists } from './file_lists.ts';

const LIST_NAME = 'catalog.pcat1.didx';

interface Gathering {
  readonly installation: Installation;
  readonly drive: OpenDrive;
  readonly labels: TapeLabels;
  readonly mediaSet: string;
  readonly entries: readonly InventoryEntry[];
  readonly log: WorkLog;
  /** Holds a folder like a datastore for each source. */
  readonly folder: string;
}

/** A snapshot whose files nobody knows yet. */
interface Wanted {
  store: string;
  path: string;
}

/** The catalog of the tape in the drive must be there. Resolves with the number of snapshots whose files are known now. */
export async function gatherFileLists(
  installation: Installation,
  drive: OpenDrive,
  labels: TapeLabels,
  log: WorkLog,
): Promise<number> {
  const mediaSet = setLabelOf(labels)?.uuid ?? '';
  const { entries } = await new InventoryFile(installation).load();
  await ensureDirectory(installation, installation.paths.cacheDir);
  const folder = join(installation.paths.cacheDir, 'file-lists', mediaSet);
  const gathering = { installation, drive, labels, mediaSet, entries, log, folder };
  // To read a tape takes hours. The database is open before and after it, so that nobody's lists are written over.
  const scope = { files: true };
  const unlisted = await CatalogDatabase.use(installation, entries, scope, (database) => unlistedOn(labels, database));
  await stageArchives(gathering, unlisted);
  const elsewhere = new Map<string, Set<string>>();
  for (const store of await namesIn(folder)) elsewhere.set(store, await fetchLists(gathering, store));
  return CatalogDatabase.use(installation, entries, scope, async (database) => {
    const listed: string[] = [];
    for (const [store, media] of elsewhere) listed.push(...(await takeLists(gathering, database, store, media)));
    if (listed.length > 0) await database.save();
    for (const path of listed) await rm(path, { recursive: true, force: true });
    for (const store of elsewhere.keys()) await removeIfDone(gathering, store);
    log.info(`the files of ${listed.length} snapshots are listed`);
    return listed.length;
  });
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

interface StoredSnapshot extends Wanted {
  fileNumber: number;
}

function unlistedOn({ label }: TapeLabels, database: CatalogDatabase): StoredSnapshot[] {
  const rows = database.query(
    `SELECT snapshot.store, snapshot.path, snapshot.file_number FROM snapshot
    LEFT JOIN listing ON listing.store = snapshot.store AND listing.path = snapshot.path
    WHERE snapshot.media_uuid = :media AND (listing.id IS NULL OR listing.state = 'damaged')`,
    { ':media': label.uuid },
  );
  return rows.map((row) => ({ store: String(row.store), path: String(row.path), fileNumber: Number(row.file_number) }));
}

/** The files of unlisted snapshots on this tape, each in the place that a datastore gives it. */
async function stageArchives(
  { drive, labels, log, folder, installation }: Gathering,
  unlisted: readonly StoredSnapshot[],
): Promise<void> {
  const staged = [];
  for (const { store, path, fileNumber } of unlisted) {
    const base = join(folder, store);
    if (!(await exists(join(base, '.chunks')))) await makeStore(installation, base);
    const directory = join(base, path);
    await rm(directory, { recursive: true, force: true });
    staged.push({ fileNumber, store, snapshot: path, directory });
  }
  if (staged.length === 0) return;
  log.info(`read ${staged.length} snapshot archives whose files are not listed`);
  const listener = restoreListener(labels.label.labelText, log);
  await onTape(labels.label.labelText, drive.tape.stageSnapshots(staged, listener));
}

/** What the core knows as a datastore. */
function folderOptions(installation: Installation, base: string): StoreOptions {
  const store = { name: 'file-lists', path: base, chunkOrder: 'inode', syncLevel: 'none' } as const;
  // Its locks are its own: nobody else uses it.
  return { ...storeOptions(installation, store), runDir: join(base, '.run') };
}

async function makeStore(installation: Installation, base: string): Promise<void> {
  const { Datastore: native } = await import('../../native.ts');
  await mkdir(base, { recursive: true });
  (await native.create(folderOptions(installation, base))).close();
}

/** Opens the folder of a source, with the snapshots that wait in it. */
async function withStaged<T>(
  { installation, folder }: Gathering,
  store: string,
  work: (source: Datastore, waiting: readonly Wanted[]) => Promise<T>,
): Promise<T> {
  const { Datastore: native } = await import('../../native.ts');
  const source = await native.open(folderOptions(installation, join(folder, store)));
  try {
    const { snapshots } = await source.listSnapshots({});
    const waiting = snapshots.filter(({ finished }) => finished).map(({ path }) => ({ store, path }));
    return await work(source, waiting);
  } finally {
    source.close();
  }
}

const fetchLists = (gathering: Gathering, store: string): Promise<Set<string>> =>
  withStaged(gathering, store, (_, waiting) => fetchChunks(gathering, store, waiting));

/** `elsewhere`: other tapes with chunks of lists. Resolves with the folders of snapshots that wait no longer. */
function takeLists(
  gathering: Gathering,
  database: CatalogDatabase,
  store: string,
  elsewhere: ReadonlySet<string>,
): Promise<string[]> {
  const { mediaSet, folder, log } = gathering;
  return withStaged(gathering, store, async (source, waiting) => {
    const listed: string[] = [];
    for (const wanted of waiting) {
      if (await take(gathering, database, source, wanted)) listed.push(join(folder, store, wanted.path));
    }
    if (listed.length < waiting.length) {
      const tapes = labelTexts(database, elsewhere);
      log.info(
        `the lists of files of ${waiting.length - listed.length} snapshots of datastore '${store}' lie on other tapes, too: ` +
          `load ${tapes.join(', ') || `the other tapes of media set ${mediaSet}`} and run 'proxmox-tape catalog --files'`,
      );
    }
    return listed;
  });
}

async function removeIfDone(gathering: Gathering, store: string): Promise<void> {
  const waiting = await withStaged(gathering, store, async (_, snapshots) => snapshots.length);
  if (waiting === 0) await rm(join(gathering.folder, store), { recursive: true, force: true });
}

function labelTexts(database: CatalogDatabase, media: ReadonlySet<string>): string[] {
  const rows = database.query('SELECT uuid, label_text FROM media ORDER BY seq_nr');
  return rows.filter(({ uuid }) => media.has(String(uuid))).map(({ label_text: label }) => `'${label}'`);
}

/** Fetches the chunks of lists that are on the tape in the drive; resolves with the other tapes that have some. */
async function fetchChunks(
  { installation, drive, labels, mediaSet, log, folder }: Gathering,
  store: string,
  waiting: readonly Wanted[],
): Promise<Set<string>> {
  const base = join(folder, store);
  const target = folderOptions(installation, base);
  const index = await openIndex(installation, mediaSet);
  const lists = join(base, '.lists');
  try {
    const { ChunkDemand: native } = await import('../../native.ts');
    const directories = await listsAlone(base, lists, waiting);
    const demand = await native.collect(index, [{ store, target, directories }]);
    const [here, elsewhere]: [number[], Set<string>] = [[], new Set()];
    for (const { mediaUuid, fileNumber } of demand.places) {
      if (mediaUuid === labels.label.uuid) here.push(fileNumber);
      else elsewhere.add(mediaUuid);
    }
    if (here.length > 0) {
      const plan = {
        labels,
        mapping: [{ source: store, target }],
        ownerAuthId: 'root@pam',
        catalogPath: installation.paths.catalogFile(labels.label.uuid),
        selection: { files: here.sort((a, b) => a - b), demand },
      };
      const { labelText } = labels.label;
      await onTape(labelText, drive.tape.restore(plan, restoreListener(labelText, log)));
    }
    return elsewhere;
  } finally {
    index.close();
    await rm(lists, { recursive: true, force: true });
  }
}

/** Folders with nothing but the index of the list: only its chunks are wanted. */
async function listsAlone(base: string, lists: string, waiting: readonly Wanted[]): Promise<string[]> {
  const directories: string[] = [];
  await rm(lists, { recursive: true, force: true });
  for (const { path } of waiting) {
    const index = join(base, path, LIST_NAME);
    if (!(await exists(index))) continue;
    const directory = join(lists, String(directories.length));
    await mkdir(directory, { recursive: true });
    await link(index, join(directory, LIST_NAME));
    directories.push(directory);
  }
  return directories;
}

/** Over the tapes of the set whose catalogs are there. */
async function openIndex(installation: Installation, mediaSet: string): Promise<ChunkIndex> {
  const { entries } = await new InventoryFile(installation).load();
  const { members } = collectSet(entries, mediaSet);
  const inOrder = [...members].sort(([a], [b]) => a - b).map(([, uuid]) => uuid);
  const present = await Promise.all(inOrder.map((uuid) => exists(installation.paths.catalogFile(uuid))));
  return buildChunkIndex(
    installation,
    mediaSet,
    inOrder.filter((_, at) => present[at]),
  );
}

/** Whether it could be listed. A list that lacks chunks waits for them. */
async function take(
  { installation, mediaSet, entries, log }: Gathering,
  database: CatalogDatabase,
  source: Datastore,
  { store, path }: Wanted,
): Promise<boolean> {
  const quiet: WorkLog = {
    info: (line) => log.info(line),
    warn: (line) => log.info(line),
    progress: (event) => log.progress(event),
    signal: log.signal,
  };
  const snapshot = { store, path, wantsFiles: true, wantsShares: [mediaSet] };
  return (await takeFileLists(installation, database, source, [snapshot], { entries }, quiet)) === 1;
}
