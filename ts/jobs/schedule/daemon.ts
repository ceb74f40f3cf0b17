/**
 * The service behind `proxmox-tape daemon`: ticks the scheduler at every full minute until it is told to stop. All state
 * is on disk (job states, task logs, locks), so a daemon that is killed leaves nothing to repair: the next one finds the
 * interrupted job's log without an end, and counts its schedule on.
 */
import { join } from 'node:path';
import { isLockTimeout } from '../../config/file_lock.ts';
import { type Installation, lockFile } from '../../config/installation.ts';
import { isPbsInstalled } from '../../config/pbs_presence.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import { type RunJob, type ScheduleLog, Scheduler } from './scheduler.ts';

export interface DaemonOptions {
  readonly runJob: RunJob;
  readonly log: ScheduleLog;
  /** Ends the daemon: running jobs are aborted, and their end is waited for. */
  readonly signal: AbortSignal;
  /** Resolves after so many seconds of the installation's clock, or at once when the signal is aborted. */
  readonly sleep?: (seconds: number, signal: AbortSignal) => Promise<void>;
  /** Told how far the daemon is and which jobs run: see service_manager.ts. */
  readonly onState?: (state: DaemonState, running: readonly string[]) => void | Promise<void>;
}

/** `ticked`: it has looked at all jobs and started those that were due, once a minute. */
export type DaemonState = 'ready' | 'ticked' | 'stopping';

const MINUTE = 60;

/** Resolves after a clean stop. Rejects where jobs are not Ferrite's to start, and where a daemon runs already. */
export async function runDaemon(installation: Installation, options: DaemonOptions): Promise<void> {
  await refuseBesidePbs(installation);
  const lock = await lockDaemon(installation);
  try {
    const scheduler = new Scheduler(installation, options.runJob, options.log);
    options.log.info(`scheduling the jobs of ${installation.paths.configFile('tape-job.cfg')}`);
    await options.onState?.('ready', []);
    try {
      await tickEveryMinute(installation, scheduler, options);
    } finally {
      const { running } = scheduler;
      await options.onState?.('stopping', running);
      if (running.length > 0) options.log.info(`stopping: ${running.join(', ')} aborted`);
      await scheduler.stop();
    }
    options.log.info('stopped');
  } finally {
    lock.release();
  }
}

async function tickEveryMinute(
  installation: Installation,
  scheduler: Scheduler,
  options: DaemonOptions,
): Promise<void> {
  const { signal, log, sleep = sleepOnTimer } = options;
  while (!signal.aborted) {
    const time = installation.clock();
    await sleep(MINUTE - (time % MINUTE), signal);
    if (signal.aborted) return;
    await refuseBesidePbs(installation); // it may have been installed meanwhile
    try {
      await scheduler.tick();
    } catch (error) {
      // A daemon that dies at night because a disk was full for a minute is worse than one that says so.
      log.warn(toFerriteError(error).message);
    }
    await options.onState?.('ticked', scheduler.running);
  }
}

async function refuseBesidePbs(installation: Installation): Promise<void> {
  if (!(await isPbsInstalled(installation))) return;
  throw new FerriteError(
    'usage',
    'pbs-schedules',
    `Proxmox Backup Server is installed below ${installation.root} and runs the jobs of tape-job.cfg itself: ` +
      "stop this service ('systemctl disable --now ferrite-tape'), or use another root (PROXMOX_TAPE_ROOT)",
  );
}

async function lockDaemon(installation: Installation) {
  const path = join(installation.paths.runDir, 'ferrite-daemon.lck');
  try {
    return await lockFile(installation, path, 'the schedule', 0);
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    const message = `another 'proxmox-tape daemon' runs below ${installation.root} already (${path})`;
    throw new FerriteError('usage', 'daemon-runs', message, { cause: error });
  }
}

function sleepOnTimer(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, Math.ceil(seconds * 1000));
    signal.addEventListener('abort', finish);
  });
}
