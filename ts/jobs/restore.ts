/** A media set back into datastores (behaviour.md section 12): every tape in order, from its labels to its end. */
import { usableDatastore } from '../config/datastores.ts';
import type { Installation } from '../config/installation.ts';
import { parseStoreMapping, type StoreMapping, targetStores } from '../config/store_mapping.ts';
import { FerriteError } from '../errors.ts';
import { type DriveAccess, type OpenDrive, onTape, withReservedDrive } from '../library/drive.ts';
import { requestMedia } from '../library/media_request.ts';
import type { TaskObserver, TaskOutcome, WorkLog } from '../log.ts';
import { InventoryFile } from '../media/inventory_file.ts';
import { withMediaSet } from '../media/media_locks.ts';
import { collectSet, poolOf, setLabelOf } from '../media/membership.ts';
import type { DriveEvent, InventoryEntry, RestoreOutcome, StoreTarget, TapeLabels } from '../native.ts';
import { type ClaimedDatastore, withDatastores } from './datastores.ts';
import { runDriveTask } from './drive_tasks.ts';
import { type Announcement, announced, type Waiting } from './notify/announced.ts';

export interface RestoreParameters extends DriveAccess {
  /** UUID of the media set. */
  mediaSet: string;
  /** `[source=]target[,...]` */
  store: string;
  /** Owner of restored groups; root@pam where not given. */
  owner?: string | undefined;
  /** Bound of the memory for chunk data; 256 MiB where not given. */
  memoryBytes?: number | undefined;
  /** Who is told about requests and the result; root@pam where not given. */
  notifyUser?: string | undefined;
  /** To wait for tapes that are not at hand; else the restore fails. */
  waiting?: Waiting | undefined;
}

export interface RestoreSummary {
  mediaSetUuid: string;
  restored: { store: string; snapshot: string; target: string; labelText: string; fileNumber: number }[];
  /** Snapshots that their target had. */
  existing: { store: string; snapshot: string }[];
  /** Snapshots whose source is not mapped. */
  skipped: { store: string; snapshot: string }[];
  /** Whole archives of snapshots whose chunks are not all on the tapes; they were not restored. */
  lost: { store: string; snapshot: string; labelText: string; fileNumber: number; message: string }[];
  /** What an interrupted job left unfinished on the tapes: nobody was told that it was safe. */
  unfinished: { labelText: string; fileNumber: number; message: string }[];
  chunksRestored: number;
  chunksPresent: number;
  bytesRead: number;
  bytesRestored: number;
  /** Time spent reading tapes, in seconds. */
  seconds: number;
  media: { labelText: string; uuid: string; seqNr: number }[];
}

export async function restore(
  installation: Installation,
  parameters: RestoreParameters,
  observer: TaskObserver,
): Promise<TaskOutcome<RestoreSummary>> {
  const mapping = parseStoreMapping(parameters.store);
  const targets = targetStores(mapping);
  const mediaSet = parseMediaSet(parameters.mediaSet);
  // Known before a busy drive is waited for; looked at again when everything is locked.
  for (const target of targets) await usableDatastore(installation, target, 'write');
  await requireMembers(installation, mediaSet);
  return withReservedDrive(installation, parameters, observer.signal, (drive) =>
    // Locked until the restore ends (D20).
    withMediaSet(installation, mediaSet, async () => {
      const members = await requireMembers(installation, mediaSet);
      return withDatastores(installation, targets, 'write', observer.signal, (stores) => {
        const identity = { type: 'tape-restore', id: targets.join(', ') };
        return runDriveTask(installation, drive, parameters, identity, observer, (open, log, upid) =>
          announced(announcementOf(installation, parameters, targets, open), upid, log, (log, operator) =>
            restoreMembers(
              installation,
              { ...open, operator },
              parameters,
              members,
              storeTargets(mapping, stores),
              log,
            ),
          ),
        );
      });
    }),
  );
}

function announcementOf(
  installation: Installation,
  { notifyUser, operator, waiting }: RestoreParameters,
  targets: readonly string[],
  drive: OpenDrive,
): Announcement<RestoreSummary> {
  return {
    installation,
    job: { kind: 'restore', store: targets.join(', '), drive: drive.name },
    notifyUser,
    operator,
    waiting,
    tellsAborts: false,
    summarize: ({ mediaSetUuid, restored, media }) => ({
      mediaSetUuid,
      snapshots: restored.map(({ target, snapshot }) => `${target}:${snapshot}`),
      tapes: media.map(({ labelText }) => labelText),
    }),
  };
}

function parseMediaSet(text: string): string {
  const uuid = text.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) return uuid;
  const message = `'${text}' is no UUID: 'proxmox-tape media content' lists the media sets`;
  throw new FerriteError('usage', 'bad-parameter', message);
}

/** All tapes of the set in order; without one of them the set cannot be restored whole (I2). */
async function requireMembers(installation: Installation, mediaSet: string): Promise<InventoryEntry[]> {
  const inventory = await new InventoryFile(installation).load();
  const set = collectSet(inventory.entries, mediaSet);
  const advice = "load the tape and run 'proxmox-tape read-label --inventorize'";
  if (set.length === 0) {
    throw new FerriteError(
      'usage',
      'unknown-media-set',
      `no tape of media set ${mediaSet} is in the inventory: ${advice}`,
    );
  }
  if (set.conflicts.length > 0) {
    const tapes = set.conflicts.join(', ');
    throw new FerriteError('data', 'I1', `media set ${mediaSet}: several tapes have the same number (${tapes})`);
  }
  const members = Array.from({ length: set.length }, (_, seqNr) => {
    const uuid = set.members.get(seqNr);
    const entry = uuid === undefined ? undefined : inventory.find(uuid);
    if (entry) return entry;
    throw new FerriteError(
      'operator',
      'I2',
      `media set ${mediaSet} is incomplete: tape number ${seqNr} is not known; ${advice}`,
    );
  });
  const pools = new Set(members.map((entry) => poolOf(entry)));
  if (pools.size === 1) return members;
  const named = members.map((entry) => `'${entry.label.labelText}' in pool '${poolOf(entry)}'`).join(', ');
  throw new FerriteError('data', 'I1', `the tapes of media set ${mediaSet} are in several pools (${named}): ${advice}`);
}

function storeTargets(mapping: StoreMapping, stores: readonly ClaimedDatastore[]): StoreTarget[] {
  const options = new Map(stores.map((claimed) => [claimed.store.name, claimed.options]));
  const named = [
    ...mapping.sources,
    ...(mapping.defaultTarget === undefined ? [] : [['', mapping.defaultTarget] as const]),
  ];
  return named.flatMap(([source, name]) => {
    const target = options.get(name);
    return target ? [{ source, target }] : [];
  });
}

async function restoreMembers(
  installation: Installation,
  drive: OpenDrive,
  parameters: RestoreParameters,
  members: readonly InventoryEntry[],
  mapping: StoreTarget[],
  log: WorkLog,
): Promise<RestoreSummary> {
  const labels = members.map((entry) => entry.label.labelText);
  const [first] = members;
  const key = first && setLabelOf(first)?.encryptionKeyFingerprint;
  log.info(`restore media set ${parameters.mediaSet} of pool '${first?.mediaSetLabel?.pool}'`);
  if (key) log.info(`encryption key fingerprint: ${key}`);
  log.info(
    `datastore(s): ${mapping.map(({ source, target }) => (source ? `${source}=${target.name}` : target.name)).join(', ')}`,
  );
  log.info(`drive: ${drive.name}`);
  log.info(`required tapes: ${labels.join(';')}`);
  const summary = emptySummary(parameters.mediaSet);
  for (const [index, entry] of members.entries()) {
    log.signal.throwIfAborted();
    const found = await requestMedia(drive, entry.label, log);
    refuseOtherMember(found, entry);
    const outcome = await restoreTape(installation, drive, parameters, found, mapping, index / members.length, log);
    addOutcome(summary, outcome, found);
  }
  warnOfIdleMappings(mapping, summary, log);
  log.info(
    `restored ${summary.restored.length} snapshots, ${summary.chunksRestored} chunks (${summary.chunksPresent} were there already)`,
  );
  failIfLost(summary);
  return summary;
}

/** A typing error in the name of a source would restore nothing without a word. */
function warnOfIdleMappings(mapping: readonly StoreTarget[], summary: RestoreSummary, log: WorkLog): void {
  const found = new Set([summary.restored, summary.existing, summary.lost].flat().map(({ store }) => store));
  const idle = mapping.filter(({ source }) => source !== '' && !found.has(source)).map(({ source }) => `'${source}'`);
  if (idle.length > 0) log.warn(`no snapshot of ${idle.join(', ')} is in media set ${summary.mediaSetUuid}`);
}

/** A snapshot may be on the tapes twice: then only one of its archives has to be whole. */
function failIfLost(summary: RestoreSummary): void {
  const whole = new Set(
    [...summary.restored, ...summary.existing].map(({ store, snapshot }) => `${store}:${snapshot}`),
  );
  const lost = summary.lost.filter(({ store, snapshot }) => !whole.has(`${store}:${snapshot}`));
  if (lost.length === 0) return;
  const list = lost.map(({ labelText, fileNumber, message }) => `tape '${labelText}', file ${fileNumber}: ${message}`);
  throw new FerriteError(
    'data',
    'snapshots-lost',
    `everything else is restored, but ${lost.length} snapshots are not whole on the tapes:\n${list.join('\n')}`,
  );
}

/** What is in the drive must be what the inventory says about this member (I3). */
function refuseOtherMember(found: TapeLabels, entry: InventoryEntry): void {
  const tape = `tape '${found.label.labelText}'`;
  const present = setLabelOf(found);
  const wanted = setLabelOf(entry);
  const problem = !present
    ? 'belongs to no media set'
    : present.uuid !== wanted?.uuid
      ? `belongs to media set ${present.uuid} now`
      : present.seqNr !== wanted.seqNr
        ? `is number ${present.seqNr} of its set, not ${wanted.seqNr}`
        : undefined;
  if (!problem) return;
  throw new FerriteError(
    'operator',
    'I3',
    `${tape} ${problem}: run 'proxmox-tape read-label --inventorize' to correct the inventory`,
  );
}

function restoreTape(
  installation: Installation,
  drive: OpenDrive,
  parameters: RestoreParameters,
  labels: TapeLabels,
  mapping: StoreTarget[],
  fraction: number,
  log: WorkLog,
): Promise<RestoreOutcome> {
  const plan = {
    labels,
    mapping,
    ownerAuthId: parameters.owner ?? 'root@pam',
    catalogPath: installation.paths.catalogFile(labels.label.uuid),
    ...(installation.owner && { owner: installation.owner }),
    ...(parameters.memoryBytes !== undefined && { memoryBytes: parameters.memoryBytes }),
  };
  const { labelText } = labels.label;
  return onTape(
    labelText,
    drive.tape.restore(plan, (event) => onEvent(event, labelText, fraction, log)),
  );
}

function onEvent(event: DriveEvent, labelText: string, fraction: number, log: WorkLog): void {
  const name = `${event.store}:${event.snapshot}`;
  switch (event.kind) {
    case 'chunk-archive':
      log.info(`file ${event.fileNumber}: ${event.chunks} chunks of store ${event.store}`);
      break;
    case 'snapshot-archive':
      log.info(`file ${event.fileNumber}: snapshot ${name}`);
      break;
    case 'snapshot-skipped':
      log.info(`skip snapshot ${name}: ${event.message}`);
      break;
    case 'progress':
      log.progress({ activity: `tape '${labelText}'`, doneBytes: event.bytes ?? 0, fraction });
      break;
    case 'warning':
      log.warn(`tape '${labelText}': ${event.message}`);
      break;
    case 'log':
      log.info(event.message ?? '');
      break;
  }
}

function emptySummary(mediaSetUuid: string): RestoreSummary {
  return {
    mediaSetUuid,
    restored: [],
    existing: [],
    skipped: [],
    lost: [],
    unfinished: [],
    chunksRestored: 0,
    chunksPresent: 0,
    bytesRead: 0,
    bytesRestored: 0,
    seconds: 0,
    media: [],
  };
}

function addOutcome(summary: RestoreSummary, outcome: RestoreOutcome, labels: TapeLabels): void {
  const { labelText, uuid } = labels.label;
  summary.media.push({ labelText, uuid, seqNr: labels.mediaSetLabel?.seqNr ?? 0 });
  for (const { store, snapshot, target, fileNumber } of outcome.restored) {
    summary.restored.push({ store, snapshot, target: target ?? '', fileNumber: fileNumber ?? 0, labelText });
  }
  summary.existing.push(...outcome.existing.map(({ store, snapshot }) => ({ store, snapshot })));
  summary.skipped.push(...outcome.skipped.map(({ store, snapshot }) => ({ store, snapshot })));
  for (const { fileNumber, message, lost } of outcome.incomplete) {
    if (lost) summary.lost.push({ store: lost.store, snapshot: lost.snapshot, labelText, fileNumber, message });
    else summary.unfinished.push({ labelText, fileNumber, message });
  }
  summary.chunksRestored += outcome.chunksRestored;
  summary.chunksPresent += outcome.chunksPresent;
  summary.bytesRead += outcome.bytesRead;
  summary.bytesRestored += outcome.bytesRestored;
  summary.seconds += outcome.seconds;
}
