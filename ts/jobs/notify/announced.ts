/** Runs a job's work, and tells how it ended while its task still runs: what cannot be delivered is a warning of it. */
import type { Installation } from '../../config/installation.ts';
import { toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { JobResult } from './message.ts';
import type { Notifier } from './notifier.ts';

type Summary = Pick<JobResult, 'snapshots' | 'tapes' | 'mediaSetUuid'>;

export interface AnnouncedJob<T> {
  readonly upid: string;
  readonly work: (log: WorkLog) => Promise<T>;
  /** What of the outcome people want to know. */
  readonly summarize: (value: T) => Summary;
  /** Whether somebody who stopped the job is told that it was stopped. */
  readonly tellAborts: boolean;
}

export async function announced<T>(
  installation: Installation,
  notifier: Notifier,
  job: AnnouncedJob<T>,
  log: WorkLog,
): Promise<T> {
  const begin = installation.clock();
  const warnings: string[] = [];
  const listening: WorkLog = {
    signal: log.signal,
    info: (line) => log.info(line),
    progress: (event) => log.progress(event),
    warn: (line) => {
      warnings.push(line);
      log.warn(line);
    },
  };
  const tell = (ending: Partial<JobResult>): Promise<void> => {
    const seconds = installation.clock() - begin;
    return notifier.result({ upid: job.upid, seconds, warnings, snapshots: [], tapes: [], ...ending }, log);
  };
  let value: T;
  try {
    value = await job.work(listening);
  } catch (thrown) {
    const isAbort = log.signal.aborted;
    const error = isAbort ? 'aborted' : toFerriteError(thrown).message;
    if (!isAbort || job.tellAborts) await tell({ error });
    else await notifier.settled();
    throw thrown;
  }
  await tell(job.summarize(value));
  return value;
}
