/** Configured backup jobs: their configuration together with their state, and running them (behaviour.md 10, 20). */
import type { Installation } from '../../config/installation.ts';
import { now } from '../../config/installation.ts';
import type { JobConfig } from '../../config/job_section.ts';
import {
  addJobConfig,
  changeJobConfig,
  type DeletableJobProperty,
  type JobChanges,
  jobConfig,
  listJobConfigs,
  removeJobConfig,
} from '../../config/jobs.ts';
import type { UpdateOptions } from '../../config/section_update.ts';
import { toFerriteError } from '../../errors.ts';
import type { DriveAccess } from '../../library/drives/drive.ts';
import type { TaskObserver, TaskOutcome } from '../../log.ts';
import { nextEvent, parseCalendarEvent } from '../../time/calendar_event.ts';
import type { Waiting } from '../notify/announced.ts';
import {
  type JobState,
  lastRun,
  readJobState,
  recordJobCreated,
  recordScheduleChanged,
  referenceTime,
  removeJobState,
  runAsJob,
} from '../schedule/job_state.ts';
import { describeTaskState, taskEndTime } from '../tasks/task_log.ts';
import { type BackupParameters, backup } from './backup.ts';
import { nextTapeOf } from './next_tape.ts';
import type { BackupSummary } from './run.ts';

export { jobConfig };

async function checkRegex(expression: string): Promise<void> {
  const { matchRegex } = await import('../../native.ts');
  matchRegex(expression, []);
}

/** Adds a job. Its schedule counts from now on. */
export async function createJob(installation: Installation, job: JobConfig): Promise<void> {
  await addJobConfig(installation, job, checkRegex);
  await recordJobCreated(installation, job.id);
}

/** Changes a job. With another schedule it counts from now on. */
export async function updateJob(
  installation: Installation,
  id: string,
  changes: JobChanges,
  options: UpdateOptions<DeletableJobProperty> = {},
): Promise<void> {
  const { before, after } = await changeJobConfig(installation, id, changes, options, checkRegex);
  if (after.schedule !== undefined && after.schedule !== before.schedule) await recordScheduleChanged(installation, id);
}

/** Removes a job and what is known of its runs; the logs of its tasks stay. */
export async function removeJob(installation: Installation, id: string, digest?: string): Promise<void> {
  await removeJobConfig(installation, id, digest);
  await removeJobState(installation, id);
}

/** A job as lists show it. */
export interface JobListEntry extends JobConfig {
  /** Epoch seconds; absent without schedule. */
  'next-run'?: number;
  /** How the last run ended; absent before the first one ended. */
  'last-run-state'?: string;
  'last-run-upid'?: string;
  'last-run-endtime'?: number;
  /** The tape that the job would write to now. */
  'next-media-label'?: string;
}

/** Sorted by id. `warn` is told why the next tape of a job is not known. */
export async function listJobs(
  installation: Installation,
  warn: (message: string) => void = () => {},
): Promise<JobListEntry[]> {
  const jobs = await listJobConfigs(installation);
  return Promise.all(
    jobs.map(async (job) => {
      const label = await nextTapeOf(installation, job).catch((error) => {
        warn(`job '${job.id}': ${toFerriteError(error).message}`);
        return undefined;
      });
      const status = await jobStatus(installation, job, await readJobState(installation, job.id));
      return { ...job, ...status, ...(label !== undefined && { 'next-media-label': label }) };
    }),
  );
}

/** When the job is run next, and how its last run ended. */
export async function jobStatus(
  installation: Installation,
  job: JobConfig,
  state: JobState | undefined,
): Promise<Omit<JobListEntry, keyof JobConfig>> {
  const last = await lastRun(installation, state);
  const endtime = last?.state && taskEndTime(last.state);
  // After the end of the last run: a run that takes longer than its period is followed by the next one that it leaves time for.
  const reference = Math.max(referenceTime(state, now(installation)), endtime ?? 0);
  const next =
    job.schedule === undefined ? undefined : nextEvent(parseCalendarEvent(job.schedule), reference, installation.zone);
  return {
    ...(next !== undefined && { 'next-run': next }),
    ...(last && { 'last-run-upid': last.upid }),
    ...(last?.state && { 'last-run-state': describeTaskState(last.state) }),
    ...(endtime !== undefined && { 'last-run-endtime': endtime }),
  };
}

/** What a job asks of a backup. */
export function jobParameters(job: JobConfig): BackupParameters {
  return {
    store: job.store,
    pool: job.pool,
    drive: job.drive,
    ejectMedia: job['eject-media'],
    exportMediaSet: job['export-media-set'],
    latestOnly: job['latest-only'],
    ns: job.ns,
    maxDepth: job['max-depth'],
    groupFilter: job['group-filter'],
    workerThreads: job['worker-threads'],
    notifyUser: job['notify-user'],
    notificationMode: job['notification-mode'],
  };
}

export interface JobRunOptions extends Omit<DriveAccess, 'drive'> {
  /** Started by the schedule: the task begins at once, and waits for the drive as long as it takes. */
  scheduled?: boolean | undefined;
  /** How long to wait for another run of the job; ten seconds where not given. */
  jobWaitMs?: number | undefined;
  /** To wait for tapes that are not at hand; else the job fails. */
  waiting?: Waiting | undefined;
}

/**
 * Runs a job now. Rejects (`operator`, `lock-timeout`) while it runs already and, unless it was scheduled, (`drive-busy`)
 * while its drive is in use: then there is no task.
 */
export async function runBackupJob(
  installation: Installation,
  id: string,
  observer: TaskObserver,
  options: JobRunOptions = {},
): Promise<TaskOutcome<BackupSummary>> {
  const { scheduled = false, jobWaitMs, ...access } = options;
  await jobConfig(installation, id);
  return runAsJob(
    installation,
    id,
    async (started) => {
      // Read again: it may have been changed while another run was waited for.
      const parameters = jobParameters(await jobConfig(installation, id));
      const start = { jobId: id, started, waitsForDrive: scheduled };
      return backup(installation, { ...parameters, ...access }, observer, start);
    },
    jobWaitMs,
  );
}
