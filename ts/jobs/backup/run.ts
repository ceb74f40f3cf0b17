/**
 * The work of a backup once drive and datastore are at hand (behaviour.md 10.2): which snapshots, on which tapes, until all
 * of them are there. A plan runs the very same code in a stand-in of the installation (backup_plan.ts).
 */
import { snapshotsInSet } from '../../catalog/set_content.ts';
import { filterGroups, parseGroupFilter } from '../../config/group_filter.ts';
import type { Installation } from '../../config/installation.ts';
import type { PoolConfig } from '../../config/pool_sections.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import { type OpenDrive, onTape } from '../../library/drives/drive.ts';
import type { WorkLog } from '../../log.ts';
import type { TapeSource } from '../../media/allocation.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import type { MediaSession } from '../../media/location.ts';
import type { MediaSet } from '../../media/membership.ts';
import { poolPolicy } from '../../media/pool_policy.ts';
import { WriteSession } from '../../media/write_session.ts';
import type { BackupOutcome, DriveEvent, SnapshotInfo } from '../../native.ts';
import type { ClaimedDatastore } from '../datastore/datastores.ts';
import { selectSnapshots } from '../datastore/snapshot_selection.ts';
import type { SetEncryption } from '../tape_encryption.ts';
import { TAPE_FULL, TapeWriter, type WritableTape } from './tape_writer.ts';

/** What is written, and how; where it goes is the pool's business. */
export interface BackupRules {
  store: string;
  pool: string;
  /** Only the newest snapshot of each group. */
  latestOnly?: boolean | undefined;
  forceMediaSet?: boolean | undefined;
  /** Start namespace, `a/b`; root where not given. */
  ns?: string | undefined;
  /** Levels below it; all where not given. */
  maxDepth?: number | undefined;
  /** `[include:|exclude:]` and `type:`, `group:` or `regex:`; all groups where not given. */
  groupFilter?: readonly string[] | undefined;
  /** Threads that read chunks; as many as suit the machine where not given. */
  workerThreads?: number | undefined;
  /** How far chunks are checked before they go to tape: their CRC, as PBS does, or also their content's SHA-256. */
  verify?: 'crc' | 'sha256' | undefined;
  /** Bound of the memory for chunk data; 256 MiB where not given. */
  memoryBytes?: number | undefined;
}

export interface UsedTape {
  labelText: string;
  uuid: string;
  seqNr: number;
  /** Why the pool could take it; `current`: the set's last tape went on. */
  source: TapeSource | 'current';
  /** Bytes of all blocks of archives that went to it. */
  tapeBytes: number;
}

export interface BackupSummary {
  mediaSetUuid: string;
  /** Why a new media set was started; absent where one was continued, or the pool had none. */
  newSetReason?: string;
  /** Paths of snapshots that are on tape now and were not before. */
  written: string[];
  /** Snapshots that the media set had. */
  skipped: number;
  failed: { snapshot: string; message: string }[];
  chunks: number;
  chunkBytes: number;
  /** Chunks that the media set had. */
  skippedChunks: number;
  /** Bytes of all blocks of archives. */
  tapeBytes: number;
  /** Time spent writing archives, in seconds. */
  seconds: number;
  media: UsedTape[];
}

export interface BackupRunOptions {
  readonly installation: Installation;
  readonly drive: OpenDrive;
  readonly pool: PoolConfig;
  readonly rules: BackupRules;
  readonly claimed: ClaimedDatastore;
  /** Of an encrypted pool. */
  readonly encryption?: SetEncryption | undefined;
  readonly log: WorkLog;
  /** Where the session's tapes must be. */
  readonly session: MediaSession;
  /** Nothing is read and written: for a drive whose tapes keep no content. */
  readonly dryRun?: boolean;
  /** Asked when the pool has no tape left: whether there is one now. */
  readonly provideTape?: (refusal: FerriteError) => Promise<boolean>;
  /** What is to happen while the media set is still locked. */
  readonly afterwards?: (set: MediaSet, summary: BackupSummary) => Promise<void>;
}

export class BackupRun {
  readonly #options: BackupRunOptions;
  readonly #log: WorkLog;
  readonly #inventory: InventoryFile;

  constructor(options: BackupRunOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#inventory = new InventoryFile(options.installation);
  }

  async run(): Promise<BackupSummary> {
    const { installation, pool, rules, session: where, provideTape, afterwards } = this.#options;
    const log = this.#log;
    const session = await WriteSession.open({
      installation,
      inventory: this.#inventory,
      pool: poolPolicy(pool, installation.zone),
      session: where,
      forceNewSet: rules.forceMediaSet ?? false,
      ...(provideTape && { provideTape }),
    });
    try {
      const { warnings, reason } = session.start;
      for (const warning of warnings) log.warn(warning);
      if (reason !== undefined) log.info(`starting new media set - reason: ${reason}`);
      log.info(`media set uuid: ${session.set.uuid}`);
      const summary = await this.#write(session);
      await afterwards?.(session.set, summary);
      return summary;
    } finally {
      session.close();
    }
  }

  async #write(session: WriteSession): Promise<BackupSummary> {
    const summary = emptySummary(session);
    const snapshots = await this.#select(session, summary);
    if (snapshots.length === 0) {
      this.#log.info('nothing to write: no new snapshots');
      return summary;
    }
    const { installation, drive, rules } = this.#options;
    const writer = new TapeWriter({
      installation,
      drive,
      session,
      inventory: this.#inventory,
      // 1.0 only for a job over the root namespace alone (tape-format.md 7.1).
      catalogVersion: rules.ns || rules.maxDepth !== 0 ? '1.1' : '1.0',
      encryption: this.#options.encryption,
      dryRun: this.#options.dryRun ?? false,
      log: this.#log,
    });
    await this.#writeSnapshots(writer, snapshots, summary);
    await writer.appendOwnCatalog();
    noteTapes(summary, writer);
    return summary;
  }

  /** Paths to write, in order: finished, chosen by the rules, and not yet in the set. */
  async #select(session: WriteSession, summary: BackupSummary): Promise<string[]> {
    const { installation, claimed, rules } = this.#options;
    const { ns, maxDepth, latestOnly, store } = rules;
    const log = this.#log;
    const listing = await claimed.store.listSnapshots({
      ...(ns !== undefined && { ns }),
      ...(maxDepth !== undefined && { maxDepth }),
    });
    for (const problem of listing.problems) log.warn(problem);
    const { entries } = await this.#inventory.load();
    const present = await snapshotsInSet(installation, entries, session.set, store, log);
    const { chosen, skipped, groups, selectedGroups } = selectSnapshots(listing.snapshots, {
      latestOnly: latestOnly ?? false,
      present,
      takesGroup: await groupRule(rules.groupFilter ?? [], listing.snapshots),
    });
    log.info(selectedGroups === groups ? `found ${groups} groups` : `found ${selectedGroups} groups (of ${groups})`);
    if (latestOnly) log.info('latest-only: only considering latest snapshots');
    for (const { path } of skipped) log.info(`skip snapshot ${store}:${path} (already in the media set)`);
    summary.skipped = skipped.length;
    return chosen.map((snapshot: SnapshotInfo) => snapshot.path);
  }

  async #writeSnapshots(writer: TapeWriter, snapshots: string[], summary: BackupSummary): Promise<void> {
    let remaining = snapshots;
    for (;;) {
      this.#log.signal.throwIfAborted();
      const tape = await writer.ensure();
      const outcome = await this.#writeToTape(writer, tape, remaining, snapshots.length).catch((error) =>
        fullAlready(tape, remaining, error),
      );
      addOutcome(summary, outcome);
      noteTapes(summary, writer);
      const used = summary.media.at(-1);
      if (used) used.tapeBytes += outcome.tapeBytes;
      await writer.recordUsage();
      if (outcome.status === 'done') return;
      // It would be the same on every further tape.
      if (tape.isFresh && outcome.chunks === 0 && outcome.written.length === 0) throw tapeTooSmall(tape, outcome);
      await writer.markFull();
      remaining = outcome.remaining;
    }
  }

  async #writeToTape(
    writer: TapeWriter,
    tape: WritableTape,
    remaining: string[],
    total: number,
  ): Promise<BackupOutcome> {
    const { claimed, drive, rules, dryRun, encryption } = this.#options;
    const { verify, memoryBytes, workerThreads } = rules;
    let done = total - remaining.length;
    return writer.withChunkIndex((chunkIndex) => {
      const plan = {
        store: claimed.options,
        snapshots: remaining,
        catalogPath: tape.catalogPath,
        mediaUuid: tape.uuid,
        mediaSetUuid: tape.setLabel.uuid,
        chunkIndex,
        ...(verify && { verify }),
        ...(memoryBytes !== undefined && { memoryBytes }),
        ...(workerThreads !== undefined && { readerThreads: workerThreads }),
        ...(dryRun ? { dryRun } : encryption && { encrypted: true }),
      };
      const written = drive.tape.backup(plan, (event) => {
        if (event.kind === 'snapshot-archive') done++;
        const before = total - remaining.length;
        this.#onEvent(event, done, total, (before + (event.share ?? 0) * remaining.length) / total);
      });
      return onTape(tape.labelText, written);
    });
  }

  /** `fraction` counts parts of snapshots, too: one large snapshot is a job of hours. */
  #onEvent(event: DriveEvent, done: number, total: number, fraction: number): void {
    const log = this.#log;
    const megabytes = (event.bytes ?? 0) / 1e6;
    const rate = megabytes / Math.max(event.seconds ?? 0, 1e-9);
    switch (event.kind) {
      case 'snapshot-start':
        log.info(`backup snapshot ${event.store}:${event.snapshot}`);
        break;
      case 'snapshot-skipped':
        log.info(`skip snapshot ${event.store}:${event.snapshot}: ${event.message}`);
        break;
      case 'chunk-archive':
        log.info(`wrote ${event.chunks} chunks (${megabytes.toFixed(2)} MB at ${rate.toFixed(2)} MB/s)`);
        break;
      case 'snapshot-archive':
        log.info(`end backup ${event.store}:${event.snapshot}`);
        log.info(`percentage done: ${((100 * done) / total).toFixed(2)}% (${done}/${total} snapshots)`);
        break;
      case 'progress':
        log.progress({
          activity: `tape in '${this.#options.drive.name}'`,
          doneBytes: event.bytes ?? 0,
          fraction,
        });
        break;
      case 'warning':
        log.warn(event.message ?? '');
        break;
      case 'log':
        log.info(event.message ?? '');
        break;
    }
  }
}

/** Whether a group (`<type>/<id>`) is taken. The Rust core is asked only when there are filters. */
async function groupRule(
  texts: readonly string[],
  snapshots: readonly SnapshotInfo[],
): Promise<(group: string) => boolean> {
  if (texts.length === 0) return () => true;
  const { matchRegex } = await import('../../native.ts');
  const groups = [...new Set(snapshots.map(({ backupType, backupId }) => `${backupType}/${backupId}`))];
  const taken = filterGroups(texts.map(parseGroupFilter), groups, (expression, names) =>
    matchRegex(expression, [...names]),
  );
  return (group) => taken.has(group);
}

/** Snapshots that could not be read are a failure of the job, once everything else is safe. */
export function failIfIncomplete({ failed }: BackupSummary): void {
  if (failed.length === 0) return;
  const list = failed.map(({ snapshot, message }) => `${snapshot}: ${message}`).join('\n');
  const message = `finished, but ${failed.length} snapshots could not be backed up:\n${list}`;
  throw new FerriteError('operator', 'snapshots-failed', message);
}

/**
 * A tape that the job before filled to its last block, with the copy of a catalog, has no early warning to give any more:
 * the next one goes on. What of these snapshots was committed before is at worst written again.
 */
function fullAlready(tape: WritableTape, remaining: string[], error: unknown): BackupOutcome {
  const wasFilled = toFerriteError(error).code === TAPE_FULL && !tape.isFresh;
  if (!wasFilled) throw error;
  return {
    status: 'end-of-media',
    written: [],
    vanished: [],
    failed: [],
    remaining,
    snapshotArchiveCut: false,
    chunks: 0,
    chunkBytes: 0,
    tapeBytes: 0,
    skippedChunks: 0,
    seconds: 0,
  };
}

function tapeTooSmall({ labelText }: WritableTape, outcome: BackupOutcome): FerriteError {
  const what = outcome.snapshotArchiveCut
    ? `the archive of snapshot ${outcome.remaining[0]} does not fit`
    : 'not even one chunk fits';
  return new FerriteError('operator', 'tape-too-small', `${what} on the fresh tape '${labelText}': use larger tapes`);
}

function emptySummary(session: WriteSession): BackupSummary {
  const { reason } = session.start;
  return {
    mediaSetUuid: session.set.uuid,
    ...(reason !== undefined && { newSetReason: reason }),
    written: [],
    skipped: 0,
    failed: [],
    chunks: 0,
    chunkBytes: 0,
    skippedChunks: 0,
    tapeBytes: 0,
    seconds: 0,
    media: [],
  };
}

/** Tapes that were loaded since the last look. */
function noteTapes(summary: BackupSummary, writer: TapeWriter): void {
  for (const { labelText, uuid, setLabel, source } of writer.used.slice(summary.media.length)) {
    summary.media.push({ labelText, uuid, seqNr: setLabel.seqNr, source: source ?? 'current', tapeBytes: 0 });
  }
}

function addOutcome(summary: BackupSummary, outcome: BackupOutcome): void {
  summary.written.push(...outcome.written);
  summary.failed.push(...outcome.failed);
  summary.chunks += outcome.chunks;
  summary.chunkBytes += outcome.chunkBytes;
  summary.skippedChunks += outcome.skippedChunks;
  summary.tapeBytes += outcome.tapeBytes;
  summary.seconds += outcome.seconds;
}
