/** Jobs as the daemon runs them: whatever they say goes to its log, and they wait for drives and tapes without end. */
import type { Installation } from '../../config/installation.ts';
import type { TaskObserver } from '../../log.ts';
import { runBackupJob } from '../backup/configured_jobs.ts';
import type { RunJob, ScheduleLog } from './scheduler.ts';

export function scheduledJobs(installation: Installation, log: ScheduleLog): RunJob {
  return ({ id }, signal) =>
    runBackupJob(installation, id, observerOf(id, signal, log), { scheduled: true, waiting: {} });
}

function observerOf(id: string, signal: AbortSignal, log: ScheduleLog): TaskObserver {
  return {
    signal,
    started: (upid) => log.info(`job '${id}': ${upid}`),
    line: (level, text) => {
      const say = level === 'info' ? log.info : log.warn;
      say.call(log, `job '${id}': ${text}`);
    },
    progress: () => {},
  };
}
