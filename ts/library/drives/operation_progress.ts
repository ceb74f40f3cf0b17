/** Long movements of a tape, as log lines and progress. */
import type { WorkLog } from '../../log.ts';
import type { OperationProgress } from '../../native.ts';

/** What the Rust core tells about a long operation, told to a log: what is new for a person as a line, all of it as progress. */
export function progressOf(log: WorkLog | undefined): (progress: OperationProgress) => void {
  let told = '';
  return ({ operation, share, activity, message }) => {
    log?.progress({ activity: message || operation, ...(share !== undefined && { fraction: share }) });
    if (activity === undefined || activity === told || activity === 'no-activity') return;
    told = activity;
    if (activity === 'calibrating') log?.info('the drive calibrates a fresh tape: this may take up to two hours');
  };
}
