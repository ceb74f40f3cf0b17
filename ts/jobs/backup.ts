/** A backup of a datastore to a media pool (behaviour.md section 10). */
import { snapshotsInSet } from '../catalog/set_content.ts';
import { usableDatastore } from '../config/datastores.ts';
import { listChangerNames } from '../config/drives.ts';
import type { Installation } from '../config/installation.ts';
import type { PoolConfig } from '../config/pool_sections.ts';
import { poolConfig } from '../config/pools.ts';
import { FerriteError } from '../errors.ts';
import { type DriveAccess, type OpenDrive, onTape, type ReservedDrive, withReservedDrive } from '../library/drive.ts';
import { ejectMedia } from '../library/load.ts';
import { updateOnlineStatus } from '../library/online_status.ts';
import type { TaskObserver, TaskOutcome, WorkLog } from '../log.ts';
import { InventoryFile } from '../media/inventory_file.ts';
import { sessionOf } from '../media/location.ts';
import { poolPolicy } from '../media/pool_policy.ts';
import { WriteSession } from '../media/write_session.ts';
import type { BackupOutcome, DriveEvent, SnapshotInfo } from '../native.ts';
import { type ClaimedDatastore, withDatastore } from './datastores.ts';
import { runDriveTask } from './drive_tasks.ts';
import { selectSnapshots } from './snapshot_selection.ts';
import { TapeWriter, type WritableTape } from './tape_writer.ts';

export interface BackupParameters extends DriveAccess {
  store: string;
  pool: string;
  /** Eject the tape when the job is done. */
  ejectMedia?: boolean | undefined;
  /** Move all tapes of the set to mail slots when the job is done. */
  exportMediaSet?: boolean | undefined;
  /** Only the newest snapshot of each group. */
  latestOnly?: boolean | undefined;
  forceMediaSet?: boolean | undefined;
  /** Start namespace, `a/b`; root where not given. */
  ns?: string | undefined;
  /** Levels below it; all where not given. */
  maxDepth?: number | undefined;
  /** How far chunks are checked before they go to tape: their CRC, as PBS does, or also their content's SHA-256. */
  verify?: 'crc' | 'sha256' | undefined;
  /** Bound of the memory for chunk data; 256 MiB where not given. */
  memoryBytes?: number | undefined;
}

export interface BackupSummary {
  mediaSetUuid: string;
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
  media: { labelText: string; uuid: string; seqNr: number }[];
}

export async function backup(
  installation: Installation,
  parameters: BackupParameters,
  observer: TaskObserver,
): Promise<TaskOutcome<BackupSummary>> {
  const pool = await poolConfig(installation, parameters.pool);
  // Known before a busy drive is waited for; claimed, with the configuration locked, afterwards.
  await usableDatastore(installation, parameters.store, 'read');
  const { environment, operator } = parameters;
  const access = { drive: parameters.drive ?? pool.drive, environment, operator };
  return withReservedDrive(installation, access, observer.signal, (drive) => {
    refuseUnsupported(drive, pool, parameters);
    const { store } = parameters;
    return withDatastore(installation, store, 'read', observer.signal, (claimed) => {
      const identity = { type: 'tape-backup', id: `${store}:${pool.name}:${drive.name}` };
      return runDriveTask(installation, drive, access, identity, observer, (open, log) =>
        new BackupJob(installation, open, pool, parameters, claimed, log).run(),
      );
    });
  });
}

/** What a virtual drive cannot do is said before anything is written (D24). */
function refuseUnsupported(drive: ReservedDrive, pool: PoolConfig, parameters: BackupParameters): void {
  const refuse = (code: string, message: string): never => {
    throw new FerriteError('usage', code, message);
  };
  if (drive.config.type !== 'virtual') return;
  if (pool.encrypt !== undefined) {
    refuse(
      'no-encryption',
      `pool '${pool.name}' is encrypted; virtual drive '${drive.name}' has no hardware encryption`,
    );
  }
  if (parameters.exportMediaSet) {
    refuse('no-export', `virtual drive '${drive.name}' has no mail slots: leave out --export-media-set`);
  }
}

class BackupJob {
  readonly #installation: Installation;
  readonly #drive: OpenDrive;
  readonly #pool: PoolConfig;
  readonly #parameters: BackupParameters;
  readonly #claimed: ClaimedDatastore;
  readonly #log: WorkLog;
  readonly #inventory: InventoryFile;

  constructor(
    installation: Installation,
    drive: OpenDrive,
    pool: PoolConfig,
    parameters: BackupParameters,
    claimed: ClaimedDatastore,
    log: WorkLog,
  ) {
    this.#installation = installation;
    this.#drive = drive;
    this.#pool = pool;
    this.#parameters = parameters;
    this.#claimed = claimed;
    this.#log = log;
    this.#inventory = new InventoryFile(installation);
  }

  async run(): Promise<BackupSummary> {
    const log = this.#log;
    log.info('update media online status');
    await updateOnlineStatus(this.#installation, this.#drive, await listChangerNames(this.#installation), log);
    const session = await WriteSession.open({
      installation: this.#installation,
      inventory: this.#inventory,
      pool: poolPolicy(this.#pool, this.#installation.zone),
      session: sessionOf(this.#drive.changer),
      forceNewSet: this.#parameters.forceMediaSet ?? false,
    });
    try {
      for (const warning of session.start.warnings) log.warn(warning);
      if (session.start.reason !== undefined) log.info(`starting new media set - reason: ${session.start.reason}`);
      log.info(`media set uuid: ${session.set.uuid}`);
      const summary = await this.#write(session);
      if (this.#parameters.ejectMedia && summary.media.length > 0) {
        log.info(`eject tape from drive '${this.#drive.name}'`);
        await ejectMedia(this.#drive);
      }
      this.#failIfIncomplete(summary);
      return summary;
    } finally {
      session.close();
    }
  }

  async #write(session: WriteSession): Promise<BackupSummary> {
    const summary = emptySummary(session.set.uuid);
    const snapshots = await this.#select(session, summary);
    if (snapshots.length === 0) {
      this.#log.info('nothing to write: no new snapshots');
      return summary;
    }
    const writer = new TapeWriter({
      installation: this.#installation,
      drive: this.#drive,
      session,
      inventory: this.#inventory,
      // 1.0 only for a job over the root namespace alone (tape-format.md 7.1).
      catalogVersion: this.#parameters.ns || this.#parameters.maxDepth !== 0 ? '1.1' : '1.0',
      log: this.#log,
    });
    try {
      await this.#writeSnapshots(writer, snapshots, summary);
      await writer.appendOwnCatalog();
    } finally {
      summary.media = writer.used.map(({ labelText, uuid, setLabel }) => ({ labelText, uuid, seqNr: setLabel.seqNr }));
    }
    return summary;
  }

  /** Paths to write, in order: finished, chosen by the parameters, and not yet in the set. */
  async #select(session: WriteSession, summary: BackupSummary): Promise<string[]> {
    const { ns, maxDepth, latestOnly, store } = this.#parameters;
    const listing = await this.#claimed.store.listSnapshots({
      ...(ns !== undefined && { ns }),
      ...(maxDepth !== undefined && { maxDepth }),
    });
    for (const problem of listing.problems) this.#log.warn(problem);
    const { entries } = await this.#inventory.load();
    const present = await snapshotsInSet(this.#installation, entries, session.set, store, this.#log);
    const { chosen, skipped, groups } = selectSnapshots(listing.snapshots, {
      latestOnly: latestOnly ?? false,
      present,
    });
    this.#log.info(`found ${groups} groups`);
    if (latestOnly) this.#log.info('latest-only: only considering latest snapshots');
    for (const { path } of skipped) this.#log.info(`skip snapshot ${store}:${path} (already in the media set)`);
    summary.skipped = skipped.length;
    return chosen.map((snapshot: SnapshotInfo) => snapshot.path);
  }

  async #writeSnapshots(writer: TapeWriter, snapshots: string[], summary: BackupSummary): Promise<void> {
    let remaining = snapshots;
    for (;;) {
      this.#log.signal.throwIfAborted();
      const tape = await writer.ensure();
      const outcome = await this.#writeToTape(writer, tape, remaining, snapshots.length);
      addOutcome(summary, outcome);
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
    const { verify, memoryBytes } = this.#parameters;
    let done = total - remaining.length;
    return writer.withChunkIndex((chunkIndex) => {
      const plan = {
        store: this.#claimed.options,
        snapshots: remaining,
        catalogPath: tape.catalogPath,
        mediaUuid: tape.uuid,
        mediaSetUuid: tape.setLabel.uuid,
        chunkIndex,
        ...(verify && { verify }),
        ...(memoryBytes !== undefined && { memoryBytes }),
      };
      const written = this.#drive.tape.backup(plan, (event) => {
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
          activity: `tape in '${this.#drive.name}'`,
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

  #failIfIncomplete(summary: BackupSummary): void {
    if (summary.failed.length === 0) return;
    const list = summary.failed.map(({ snapshot, message }) => `${snapshot}: ${message}`).join('\n');
    const message = `finished, but ${summary.failed.length} snapshots could not be backed up:\n${list}`;
    throw new FerriteError('operator', 'snapshots-failed', message);
  }
}

function tapeTooSmall({ labelText }: WritableTape, outcome: BackupOutcome): FerriteError {
  const what = outcome.snapshotArchiveCut
    ? `the archive of snapshot ${outcome.remaining[0]} does not fit`
    : 'not even one chunk fits';
  return new FerriteError('operator', 'tape-too-small', `${what} on the fresh tape '${labelText}': use larger tapes`);
}

function emptySummary(mediaSetUuid: string): BackupSummary {
  return {
    mediaSetUuid,
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

function addOutcome(summary: BackupSummary, outcome: BackupOutcome): void {
  summary.written.push(...outcome.written);
  summary.failed.push(...outcome.failed);
  summary.chunks += outcome.chunks;
  summary.chunkBytes += outcome.chunkBytes;
  summary.skippedChunks += outcome.skippedChunks;
  summary.tapeBytes += outcome.tapeBytes;
  summary.seconds += outcome.seconds;
}
