/**
 * The work of a job with people around it: an operator who is asked for tapes, and news of how it ended. Both are told while
 * the job's task still runs, so what cannot be delivered is a warning of the task.
 */
import type { Installation } from '../../config/installation.ts';
import { toFerriteError } from '../../errors.ts';
import type { Operator } from '../../library/operator.ts';
import type { WorkLog } from '../../log.ts';
import type { JobResult } from './message.ts';
import { Notifier, type NotifyOptions } from './notifier.ts';

/** A job that waits for tapes. */
export interface Waiting {
  /** For the log: how somebody who watches can end the wait. */
  readonly howToStop?: string;
}

export interface Announcement<T> extends NotifyOptions {
  readonly installation: Installation;
  /** Instead of the one who is asked by messages. */
  readonly operator?: Operator | undefined;
  readonly waiting?: Waiting | undefined;
  /** Whether an abort is news. */
  readonly tellsAborts: boolean;
  /** What of the outcome people want to know. */
  summarize(value: T): Pick<JobResult, 'snapshots' | 'tapes' | 'mediaSetUuid'>;
}

export async function announced<T>(
  announcement: Announcement<T>,
  upid: string,
  log: WorkLog,
  work: (log: WorkLog, operator: Operator) => Promise<T>,
): Promise<T> {
  const { installation, waiting } = announcement;
  const notifier = new Notifier(installation, announcement);
  const operator = announcement.operator ?? notifier.operator({ ...waiting, waits: waiting !== undefined });
  const begin = installation.clock();
  const warnings: string[] = [];
  const tell = (ending: Partial<JobResult>): Promise<void> => {
    const seconds = installation.clock() - begin;
    return notifier.result({ upid, seconds, warnings, snapshots: [], tapes: [], ...ending }, log);
  };
  let value: T;
  try {
    value = await work(listening(log, warnings), operator);
  } catch (thrown) {
    const { aborted } = log.signal;
    if (aborted && !announcement.tellsAborts) await notifier.settled();
    else await tell({ error: aborted ? 'aborted' : toFerriteError(thrown).message });
    throw thrown;
  }
  await tell(announcement.summarize(value));
  return value;
}

function listening(log: WorkLog, warnings: string[]): WorkLog {
  return {
    signal: log.signal,
    info: (line) => log.info(line),
    progress: (event) => log.progress(event),
    warn: (line) => {
      warnings.push(line);
      log.warn(line);
    },
  };
}
