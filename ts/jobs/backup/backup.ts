/** A backup of a datastore to a media pool as a task (behaviour.md section 10): once, or by a configured job. */
import { usableDatastore } from '../../config/datastores.ts';
import { chooseDrive } from '../../config/drives.ts';
import type { Installation } from '../../config/installation.ts';
import type { PoolConfig } from '../../config/pool_sections.ts';
import { poolConfig } from '../../config/pools.ts';
import type { DriveConfig } from '../../config/tape_sections.ts';
import { FerriteError } from '../../errors.ts';
import { withNotices } from '../../library/drives/alerts.ts';
import { type DriveAccess, type ReservedDrive, withOpenDrive, withReservedDrive } from '../../library/drives/drive.ts';
import { updateOnlineStatus } from '../../library/online_status.ts';
import type { TaskObserver, TaskOutcome, WorkLog } from '../../log.ts';
import { sessionOf } from '../../media/location.ts';
import { type ClaimedDatastore, withDatastore } from '../datastore/datastores.ts';
import { taskSite } from '../drive_tasks.ts';
import { type Announcement, announced, type Waiting } from '../notify/announced.ts';
import { recordSpeed } from '../plan/drive_speed.ts';
import { poolEncryption, requireEncryption, type SetEncryption } from '../tape_encryption.ts';
import { runTask, type TaskIdentity } from '../tasks/task.ts';
import { type BackupRules, BackupRun, type BackupSummary, failIfIncomplete } from './run.ts';
import { takeOutTapes } from './take_out.ts';

export interface BackupParameters extends BackupRules, DriveAccess {
  /** Eject the tape when the job is done. */
  ejectMedia?: boolean | undefined;
  /** Move all tapes of the set to mail slots when the job is done. */
  exportMediaSet?: boolean | undefined;
  /** Who is told about requests and results; root@pam where not given. */
  notifyUser?: string | undefined;
  notificationMode?: 'legacy-sendmail' | 'notification-system' | undefined;
  /** To wait for tapes that are not at hand; else the job fails. */
  waiting?: Waiting | undefined;
}

/** How a configured job starts its backup. */
export interface JobStart {
  readonly jobId: string;
  /** Called when the task has begun, with its id. */
  started(upid: string): Promise<void>;
  /** The task begins at once and waits for the drive in it; else a busy drive is an error before there is a task. */
  readonly waitsForDrive: boolean;
}

export async function backup(
  installation: Installation,
  parameters: BackupParameters,
  observer: TaskObserver,
  start?: JobStart,
): Promise<TaskOutcome<BackupSummary>> {
  if (start?.waitsForDrive) return backupWhenDriveIsFree(installation, parameters, observer, start);
  const checked = await checkBackup(installation, parameters);
  const identity = identityOf({ ...parameters, drive: checked.drive.name }, start);
  return withReservedDrive(installation, checked.access, observer.signal, (reserved) =>
    withDatastore(installation, parameters.store, 'read', observer.signal, (claimed) =>
      runTask(taskSite(installation), identity, observer, async (log, upid) => {
        await start?.started(upid);
        const announcement = announcementOf(installation, { ...parameters, drive: checked.drive.name }, start);
        return announced(announcement, upid, log, (log, operator) =>
          runBackup({ installation, parameters, checked, reserved: { ...reserved, operator }, claimed, log, upid }),
        );
      }),
    ),
  );
}

/** The task begins at once: whatever is wrong with a job that nobody watches is in its log and its state. */
function backupWhenDriveIsFree(
  installation: Installation,
  parameters: BackupParameters,
  observer: TaskObserver,
  start: JobStart,
): Promise<TaskOutcome<BackupSummary>> {
  return runTask(taskSite(installation), identityOf(parameters, start), observer, async (log, upid) => {
    await start.started(upid);
    return announced(announcementOf(installation, parameters, start), upid, log, async (log, operator) => {
      const checked = await checkBackup(installation, parameters);
      const access = { ...checked.access, operator, waitMs: Number.POSITIVE_INFINITY };
      return withReservedDrive(installation, access, log.signal, (reserved) =>
        withDatastore(installation, parameters.store, 'read', log.signal, (claimed) =>
          runBackup({ installation, parameters, checked, reserved, claimed, log, upid }),
        ),
      );
    });
  });
}

function announcementOf(
  installation: Installation,
  { store, pool, drive = '', notifyUser, notificationMode, operator, waiting }: BackupParameters,
  start: JobStart | undefined,
): Announcement<BackupSummary> {
  return {
    installation,
    job: { kind: 'backup', jobId: start?.jobId, store, pool, drive },
    notifyUser,
    mode: notificationMode,
    operator,
    waiting,
    // Whoever stops a job at the terminal knows of it.
    tellsAborts: start !== undefined,
    summarize: ({ mediaSetUuid, written, media }) => ({
      mediaSetUuid,
      snapshots: written,
      tapes: media.map(({ labelText }) => labelText),
    }),
  };
}

function identityOf({ store, pool, drive = '' }: BackupParameters, start: JobStart | undefined): TaskIdentity {
  if (!start) return { type: 'tape-backup', id: [store, pool, drive].join(':') };
  return { type: 'tape-backup-job', id: [store, pool, drive, start.jobId].join(':') };
}

export interface CheckedBackup {
  readonly pool: PoolConfig;
  readonly drive: DriveConfig;
  readonly access: DriveAccess;
  /** Of an encrypted pool. */
  readonly encryption: SetEncryption | undefined;
}

/** What can be known to be wrong before a busy drive is waited for. */
export async function checkBackup(installation: Installation, parameters: BackupParameters): Promise<CheckedBackup> {
  const pool = await poolConfig(installation, parameters.pool);
  await usableDatastore(installation, parameters.store, 'read');
  const drive = await chooseDrive(installation, parameters.drive ?? pool.drive);
  refuseUnsupported(drive, pool, parameters);
  const encryption = await poolEncryption(installation, pool);
  const { environment, operator, waitMs } = parameters;
  return { pool, drive, access: { drive: drive.name, environment, operator, waitMs }, encryption };
}

/** What a virtual drive cannot do is said before anything is written (D24). */
function refuseUnsupported(drive: DriveConfig, pool: PoolConfig, parameters: BackupParameters): void {
  const refuse = (code: string, message: string): never => {
    throw new FerriteError('usage', code, message);
  };
  if (drive.type !== 'virtual') return;
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

interface BackupTask {
  readonly installation: Installation;
  readonly parameters: BackupParameters;
  readonly checked: CheckedBackup;
  readonly reserved: ReservedDrive;
  readonly claimed: ClaimedDatastore;
  readonly log: WorkLog;
  readonly upid: string;
}

async function runBackup(task: BackupTask): Promise<BackupSummary> {
  const { installation, parameters, checked, reserved, claimed, log } = task;
  await reserved.reservation.setState(task.upid);
  return withOpenDrive(reserved, log.signal, async (drive) => {
    await requireEncryption(drive, checked.encryption);
    log.info('update media online status');
    await updateOnlineStatus(installation, drive, log);
    const run = new BackupRun({
      installation,
      drive,
      pool: checked.pool,
      encryption: checked.encryption,
      rules: parameters,
      claimed,
      log,
      session: sessionOf(drive.changer),
      afterwards: (set, summary) => takeOutTapes(installation, drive, parameters, set, summary, log),
    });
    const summary = await withNotices(drive, log, () => run.run());
    await recordSpeed(installation, drive.name, 'write', { bytes: summary.tapeBytes, seconds: summary.seconds });
    failIfIncomplete(summary);
    return summary;
  });
}
