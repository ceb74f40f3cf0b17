/**
 * What a backup would write, and to which tapes: the backup itself, run in a stand-in of the installation whose tapes keep no
 * content. So tapes and bytes are those of the job that is started next, as long as nothing changes in between.
 */
import { changerOf } from '../../config/drives.ts';
import type { Installation } from '../../config/installation.ts';
import { jobConfig } from '../../config/jobs.ts';
import type { DriveConfig } from '../../config/tape_sections.ts';
import type { WorkLog } from '../../log.ts';
import type { TapeSource } from '../../media/allocation.ts';
import { sessionOf } from '../../media/location.ts';
import { poolPolicy } from '../../media/pool_policy.ts';
import { type BackupParameters, checkBackup } from '../backup/backup.ts';
import { jobParameters } from '../backup/configured_jobs.ts';
import { BackupRun, type BackupSummary } from '../backup/run.ts';
import { withDatastore } from '../datastore/datastores.ts';
import { expectedSpeed, mountSeconds } from './drive_speed.ts';
import { presentEntries } from './present_entries.ts';
import { StandIn } from './stand_in.ts';

export interface PlannedTape {
  /** Absent: a blank tape that the pool lacks. */
  labelText?: string;
  seqNr: number;
  /** Why the pool can take it; `current`: the set's last tape goes on; `missing`: somebody has to bring a blank one. */
  source: TapeSource | 'current' | 'missing';
  /** Bytes of all blocks of archives that go to it. */
  tapeBytes: number;
}

export interface BackupPlan {
  store: string;
  pool: string;
  drive: string;
  /** The set that goes on; absent: a new one is started. */
  mediaSetUuid?: string;
  /** Why a set that could have gone on does not. */
  newSetReason?: string;
  /** To be written, in order. */
  snapshots: string[];
  /** Snapshots that the media set has. */
  skipped: number;
  /** Snapshots that the job could not write now. */
  failed: { snapshot: string; message: string }[];
  /** Chunks that go to tape, and the bytes of their blobs. */
  chunks: number;
  chunkBytes: number;
  /** Chunks that need not go to tape: the media set has them, or they stand in several snapshots. */
  skippedChunks: number;
  /** Bytes of all blocks of archives. */
  tapeBytes: number;
  /** In the order in which they are used. */
  tapes: PlannedTape[];
  /** Blank tapes that somebody has to bring. */
  missingTapes: number;
  /** Absent: nobody can tell how fast the drive is. */
  seconds?: number;
  /** What the plan takes for granted, and what its job would warn of. */
  notes: string[];
}

/** Nothing is written, and no drive is used; chunk files are looked at, and not read. */
export async function planBackup(
  installation: Installation,
  parameters: BackupParameters,
  log: WorkLog,
): Promise<BackupPlan> {
  const { pool: config, drive, encryption } = await checkBackup(installation, parameters);
  const notes: string[] = [];
  const session = sessionOf(changerOf(drive));
  const request = {
    drive,
    session,
    pool: poolPolicy(config, installation.zone),
    forceNewSet: parameters.forceMediaSet ?? false,
    entries: await presentEntries(installation, drive, notes),
    signal: log.signal,
  };
  const known = new Set(request.entries.map(({ label }) => label.uuid));
  return withDatastore(installation, parameters.store, 'read', log.signal, (claimed) =>
    StandIn.use(installation, request, async (standIn, open) => {
      const run = new BackupRun({
        installation: standIn.installation,
        drive: open,
        pool: config,
        encryption,
        rules: parameters,
        claimed,
        log: { ...quiet(log), warn: (line) => notes.push(line) },
        session,
        dryRun: true,
        provideTape: (refusal) => standIn.provideBlankTape(refusal),
      });
      const summary = await run.run();
      const isNew = !request.entries.some((entry) => entry.mediaSetLabel?.uuid === summary.mediaSetUuid);
      return {
        store: parameters.store,
        pool: config.name,
        drive: drive.name,
        ...(!isNew && { mediaSetUuid: summary.mediaSetUuid }),
        ...planOf(summary, known),
        ...(await duration(installation, drive, summary)),
        notes: [...standIn.assumptions, ...notes],
      };
    }),
  );
}

/** As `planBackup`, for a configured job. */
export async function planBackupJob(installation: Installation, id: string, log: WorkLog): Promise<BackupPlan> {
  return planBackup(installation, jobParameters(await jobConfig(installation, id)), log);
}

function quiet(log: WorkLog): WorkLog {
  return { info: () => {}, warn: () => {}, progress: (event) => log.progress(event), signal: log.signal };
}

function planOf(summary: BackupSummary, known: ReadonlySet<string>) {
  const { newSetReason, written, skipped, failed, chunks, chunkBytes, skippedChunks, tapeBytes } = summary;
  const tapes = summary.media.map(
    ({ labelText, uuid, seqNr, source, tapeBytes: bytes }): PlannedTape =>
      known.has(uuid) ? { labelText, seqNr, source, tapeBytes: bytes } : { seqNr, source: 'missing', tapeBytes: bytes },
  );
  return {
    ...(newSetReason !== undefined && { newSetReason }),
    snapshots: written,
    skipped,
    failed,
    chunks,
    chunkBytes,
    skippedChunks,
    tapeBytes,
    tapes,
    missingTapes: tapes.filter(({ source }) => source === 'missing').length,
  };
}

async function duration(
  installation: Installation,
  drive: DriveConfig,
  { tapeBytes, media }: BackupSummary,
): Promise<{ seconds?: number }> {
  if (tapeBytes === 0) return { seconds: 0 };
  const labels = media.map(({ labelText }) => labelText);
  const speed = await expectedSpeed(installation, drive.name, 'write', labels);
  if (speed === undefined) return {};
  return { seconds: tapeBytes / speed + mountSeconds(drive.type, media.length) };
}
