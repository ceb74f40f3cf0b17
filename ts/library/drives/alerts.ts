/** What a drive complains of after a tape was loaded (behaviour.md 10.4), and what it got over by itself. */
import { toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { AlertFlags } from '../../native.ts';
import type { OpenDrive } from './drive.ts';

/** Logs all alerts, and has the drive cleaned if it wants to be; gives those that forbid to write to this tape. */
export async function readAlerts(drive: OpenDrive, log: WorkLog): Promise<string[]> {
  const alerts = await readFlags(drive, log);
  if (!alerts) return [];
  if (alerts.flags.length > 0) log.info(`tape alert flags: ${alerts.text}`);
  if (alerts.cleaningRequested) askForCleaning(drive, log);
  if (alerts.mediaLife) log.warn(`the tape in drive '${drive.name}' is worn out: bring its data to another one`);
  return alerts.critical;
}

/** At the end of a job: errors that the drive recovered from are none, but whoever reads the log may wonder. */
export async function reportNotices(drive: OpenDrive, log: WorkLog): Promise<void> {
  const { recoveredErrors, lastRecovered, cleaningRequested } = await drive.tape.notices();
  if (recoveredErrors > 0) {
    log.info(
      `drive '${drive.name}' recovered from ${recoveredErrors} errors by itself; the last one: ${lastRecovered}`,
    );
  }
  if (cleaningRequested) askForCleaning(drive, log);
}

function askForCleaning({ name, operator }: OpenDrive, log: WorkLog): void {
  const reason = `drive '${name}' wants to be cleaned`;
  log.warn(`${reason}: see 'proxmox-tape clean'`);
  operator?.ask({ kind: 'clean-drive', drive: name, reason }, log);
}

/** A drive that cannot tell has no alerts. */
async function readFlags(drive: OpenDrive, log: WorkLog): Promise<AlertFlags | undefined> {
  try {
    return await drive.tape.alertFlags();
  } catch (error) {
    const failure = toFerriteError(error);
    if (failure.kind === 'aborted' || failure.code === 'device-gone') throw failure;
    log.info(`tape alert flags cannot be read: ${failure.message}`);
    return undefined;
  }
}
