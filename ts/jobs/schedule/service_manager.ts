/**
 * What systemd is told about the daemon (sd_notify(3)): that it is ready, what it does, and that it ends. Each look at the
 * jobs is also a sign of life, so a unit's WatchdogSec has to be longer than a minute. Other service managers name no
 * socket and hear nothing.
 */
import type { Installation } from '../../config/installation.ts';
import { toFerriteError } from '../../errors.ts';
import { strftime } from '../../time/strftime.ts';
import type { DaemonOptions, DaemonState } from './daemon.ts';
import { upcomingRuns } from './next_runs.ts';
import type { ScheduleLog } from './scheduler.ts';

const MESSAGES: Readonly<Record<DaemonState, string>> = {
  ready: 'READY=1',
  ticked: 'WATCHDOG=1',
  stopping: 'STOPPING=1',
};

/** For `runDaemon`. A manager that cannot be told is warned of once: the jobs run all the same. */
export function systemdNotices(installation: Installation, log: ScheduleLog): NonNullable<DaemonOptions['onState']> {
  const socket = installation.variables.NOTIFY_SOCKET;
  let hasWarned = false;
  return async (state, running) => {
    if (!socket) return;
    try {
      const { notifyServiceManager } = await import('../../native.ts');
      const status = (await statusOf(installation, state, running)).replace(/\s+/g, ' ');
      await notifyServiceManager(socket, `${MESSAGES[state]}\nSTATUS=${status}\n`);
    } catch (error) {
      if (!hasWarned) log.warn(toFerriteError(error).message);
      hasWarned = true;
    }
  };
}

/** The line that `systemctl status` shows. */
async function statusOf(installation: Installation, state: DaemonState, running: readonly string[]): Promise<string> {
  if (state === 'stopping') return running.length > 0 ? `aborting ${running.join(', ')}` : 'stopping';
  if (running.length > 0) return `running ${running.join(', ')}`;
  try {
    const next = (await upcomingRuns(installation)).find(({ nextRun }) => nextRun !== undefined);
    if (next?.nextRun === undefined) return 'no job has a time to run at';
    return `next is ${next.id}, ${strftime('%F %R', next.nextRun, installation.zone)}`;
  } catch (error) {
    return `no job is started: ${toFerriteError(error).message}`;
  }
}
