/**
 * What a restore would do: which snapshots appear, which tapes are needed in which order, how much is read. It takes the
 * decisions of the restore over the catalogs; nothing is read from tapes, and nothing is changed.
 */
import { CatalogDatabase } from '../../catalog/database.ts';
import { problemText } from '../../catalog/problem.ts';
import { changerOf, chooseDrive } from '../../config/drives.ts';
import type { Installation } from '../../config/installation.ts';
import { parseNamespaceMappings, parseStoreMapping } from '../../config/store_mapping.ts';
import type { DriveConfig } from '../../config/tape_sections.ts';
import { type KnownKey, knownKeys } from '../../keys/key_hints.ts';
import type { WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { isAvailable, parseLocation, sessionOf } from '../../media/location.ts';
import { poolOf, setLabelOf } from '../../media/membership.ts';
import type { InventoryEntry } from '../../native.ts';
import { withDatastores } from '../datastore/datastores.ts';
import { archivedSnapshots } from '../restore/chosen.ts';
import { checkRestore, type RestoreParameters } from '../restore/restore.ts';
import { type ChosenSnapshot, chooseSnapshots } from '../restore/selection.ts';
import { idleMappings } from '../restore/summary.ts';
import { requireMembers } from '../restore/tapes.ts';
import { expectedSpeed, mountSeconds } from './drive_speed.ts';
import { presentEntries } from './present_entries.ts';

export interface PlannedRead {
  labelText: string;
  seqNr: number;
  /** Where it is: the library of the drive was asked. */
  location: string;
  /** Whether the drive can have it without anybody bringing it. */
  atHand: boolean;
  /** Bytes of the blocks that are read; absent where nobody knows how full the tape is. */
  bytes?: number;
}

export interface RestorePlan {
  mediaSetUuid: string;
  pool: string;
  drive: string;
  /** Every tape is read from its beginning to its end. */
  whole: boolean;
  restored: { store: string; snapshot: string; target: string; restoredAs: string }[];
  /** Snapshots that their target has. */
  existing: { store: string; snapshot: string }[];
  /** In the order in which they are needed. */
  tapes: PlannedRead[];
  /** Absent: how full a tape is is not known. */
  bytes?: number;
  /** Times that a tape comes into the drive, at most. */
  mounts: number;
  /** Absent: nobody can tell how fast the drive is, or how much is on the tapes. */
  seconds?: number;
  /** What the media set is encrypted with; absent: it is not. */
  key?: KnownKey & { fingerprint: string };
  notes: string[];
}

export async function planRestore(
  installation: Installation,
  parameters: RestoreParameters,
  log: WorkLog,
): Promise<RestorePlan> {
  const { mediaSet, targets, isWhole } = await checkRestore(installation, parameters);
  const drive = await chooseDrive(installation, parameters.drive);
  const required = await requireMembers(installation, mediaSet, { complete: isWhole });
  const notes = await catalogNotes(installation, required, isWhole);
  const libraryNotes: string[] = [];
  const present = new Map(
    (await presentEntries(installation, drive, libraryNotes)).map((entry) => [entry.label.uuid, entry]),
  );
  const members = required.map((member) => present.get(member.label.uuid) ?? member);
  const { snapshots, namespaces } = parameters;
  const stores = parseStoreMapping(parameters.store);
  const archived = notes.length > 0 ? undefined : await archivedSnapshots(installation, members);
  const { chosen, problems } = chooseSnapshots({
    archived: archived ?? [],
    stores,
    snapshots: snapshots?.length ? snapshots : undefined,
    namespaces: namespaces?.length ? parseNamespaceMappings(namespaces) : undefined,
  });
  const { restored, existing } = await splitByPresence(installation, targets, chosen, log);
  const missing = new Set(restored.map(({ store, snapshot }) => `${store}:${snapshot}`));
  const needed = isWhole ? undefined : chosen.filter(({ store, snapshot }) => missing.has(`${store}:${snapshot}`));
  const tapes = await tapesOf(installation, drive, members, needed);
  const idle = isWhole && archived && idleMappings(stores.sources.keys(), archived, mediaSet);
  if (idle) notes.push(idle);
  if (needed?.length) {
    notes.push('at most: which chunks are missing is known when the files of the snapshots were read');
  }
  return {
    mediaSetUuid: mediaSet,
    pool: members.map(poolOf)[0] ?? '',
    drive: drive.name,
    whole: isWhole,
    restored,
    existing,
    tapes,
    mounts: needed ? tapes.length + new Set(needed.map(({ mediaUuid }) => mediaUuid)).size : tapes.length,
    ...(await amount(installation, drive, tapes)),
    ...(await keyOf(installation, members)),
    notes: [...notes, ...libraryNotes, ...problems],
  };
}

async function keyOf(
  installation: Installation,
  members: readonly InventoryEntry[],
): Promise<Pick<RestorePlan, 'key'> | undefined> {
  const [fingerprint] = members.flatMap((member) => setLabelOf(member)?.encryptionKeyFingerprint ?? []);
  if (fingerprint === undefined) return undefined;
  const known = (await knownKeys(installation)).get(fingerprint.toLowerCase());
  return { key: { stored: false, ...known, fingerprint } };
}

/** A whole set can be restored without catalogs; then nobody knows what it holds. */
async function catalogNotes(
  installation: Installation,
  members: readonly InventoryEntry[],
  isWhole: boolean,
): Promise<string[]> {
  if (!isWhole) return [];
  const { entries } = await new InventoryFile(installation).load();
  const problems = await CatalogDatabase.use(installation, entries, {}, (database) => database.problems);
  const uuids = new Set(members.map(({ label }) => label.uuid));
  return problems
    .filter(({ mediaUuid }) => uuids.has(mediaUuid))
    .map((problem) => `which snapshots are on the tapes is not known: ${problemText(problem)}`);
}

async function splitByPresence(
  installation: Installation,
  targets: readonly string[],
  chosen: readonly ChosenSnapshot[],
  log: WorkLog,
): Promise<Pick<RestorePlan, 'restored' | 'existing'>> {
  return withDatastores(installation, targets, 'read', log.signal, async (stores) => {
    const present = new Set<string>();
    for (const { store } of stores) {
      const { snapshots } = await store.listSnapshots({});
      for (const { path } of snapshots) present.add(`${store.name}:${path}`);
    }
    const restored: RestorePlan['restored'] = [];
    const existing: RestorePlan['existing'] = [];
    for (const { store, snapshot, target, restoredAs } of chosen) {
      const absent = restoredAs.filter((path) => !present.has(`${target}:${path}`));
      restored.push(...absent.map((path) => ({ store, snapshot, target, restoredAs: path })));
      if (absent.length === 0) existing.push({ store, snapshot });
    }
    return { restored, existing };
  });
}

/** `needed` undefined: all of every tape. */
async function tapesOf(
  installation: Installation,
  drive: DriveConfig,
  members: readonly InventoryEntry[],
  needed: readonly ChosenSnapshot[] | undefined,
): Promise<PlannedRead[]> {
  const { entries } = await new InventoryFile(installation).load();
  return CatalogDatabase.use(installation, entries, {}, async (database) => {
    const last =
      needed && Math.max(-1, ...members.flatMap(({ label }, at) => (isHolder(needed, label.uuid) ? at : [])));
    const read = last === undefined ? members : members.slice(0, last + 1);
    const tapes: PlannedRead[] = [];
    for (const member of read) {
      const lengths = await fileLengths(drive, member);
      const files = archivesOn(database, member, needed);
      const bytes = lengths ? bytesOf(lengths, files, needed === undefined) : member.bytesUsed;
      if (needed && files.size === 0) continue;
      const location = parseLocation(member.location);
      tapes.push({
        labelText: member.label.labelText,
        seqNr: setLabelOf(member)?.seqNr ?? 0,
        location: member.location ?? 'offline',
        atHand: isAvailable(location, sessionOf(changerOf(drive))),
        ...(bytes !== undefined && { bytes }),
      });
    }
    return tapes;
  });
}

const isHolder = (needed: readonly ChosenSnapshot[], uuid: string): boolean =>
  needed.some(({ mediaUuid }) => mediaUuid === uuid);

/** Archives of a tape that are read: all, or the chosen snapshots' and those that may hold their chunks. */
function archivesOn(
  database: CatalogDatabase,
  { label }: InventoryEntry,
  needed: readonly ChosenSnapshot[] | undefined,
): ReadonlySet<number> {
  const stores = needed && new Set(needed.map(({ store }) => store));
  const of = (table: 'archive' | 'snapshot'): { store: string; fileNumber: number }[] =>
    database
      .query(`SELECT store, file_number FROM ${table} WHERE media_uuid = :uuid`, { ':uuid': label.uuid })
      .map((row) => ({ store: String(row.store), fileNumber: Number(row.file_number) }));
  const chunks = of('archive').filter(({ store }) => stores?.has(store) ?? true);
  const snapshots = needed ? needed.filter(({ mediaUuid }) => mediaUuid === label.uuid) : of('snapshot');
  return new Set([...chunks, ...snapshots].map(({ fileNumber }) => fileNumber));
}

/** A virtual tape can be looked at; undefined for others. */
async function fileLengths(drive: DriveConfig, { label }: InventoryEntry): Promise<number[] | undefined> {
  if (drive.type !== 'virtual') return undefined;
  const { virtualTapeFiles } = await import('../../native.ts');
  return virtualTapeFiles(drive.path, label.labelText);
}

const LABEL_FILES = 2;
const BLOCK_BYTES = 256 * 1024;

/** Of anything but archives only the first block is read, and that only on the way over the whole tape. */
function bytesOf(lengths: readonly number[], archives: ReadonlySet<number>, isWhole: boolean): number {
  return lengths.slice(LABEL_FILES).reduce((sum, length, index) => {
    if (archives.has(index + LABEL_FILES)) return sum + length;
    return isWhole ? sum + Math.min(length, BLOCK_BYTES) : sum;
  }, 0);
}

async function amount(
  installation: Installation,
  drive: DriveConfig,
  tapes: readonly PlannedRead[],
): Promise<Pick<RestorePlan, 'bytes' | 'seconds'>> {
  if (tapes.some(({ bytes }) => bytes === undefined)) return {};
  const bytes = tapes.reduce((sum, tape) => sum + (tape.bytes ?? 0), 0);
  const labels = tapes.map(({ labelText }) => labelText);
  const speed = await expectedSpeed(installation, drive.name, 'read', labels);
  return { bytes, ...(speed !== undefined && { seconds: bytes / speed + mountSeconds(drive.type, tapes.length) }) };
}
