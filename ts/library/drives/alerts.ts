/**
 * What a drive complains of (TapeAlert; behaviour.md 10.4): after a tape was loaded, and once more when its job ends, well or
 * not. Also what it got over by itself.
 */
import { FerriteError, toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { AlertFlags } from '../../native.ts';
import { findCleaningCartridge } from '../changers/elements.ts';
import type { OpenDrive } from './drive.ts';

/** Logs all alerts, and asks for the drive to be cleaned if it wants to be; gives those that forbid to write to this tape. */
export async function readAlerts(drive: OpenDrive, log: WorkLog): Promise<string[]> {
  const alerts = await readFlags(drive, log);
  if (!alerts) return [];
  drive.complaints.flags = alerts.flags;
  if (alerts.flags.length > 0) log.info(`tape alert flags: ${alerts.text}`);
  if (alerts.cleaningRequested) await askForCleaning(drive, log, alerts);
  if (alerts.mediaLife) log.warn(`the tape in drive '${drive.name}' is worn out: bring its data to another one`);
  return alerts.critical;
}

/** Runs the work of a job, and tells of what the drive complained meanwhile: in the error of a job that failed, too. */
export async function withNotices<T>(drive: OpenDrive, log: WorkLog, work: () => Promise<T>): Promise<T> {
  let value: T;
  try {
    value = await work();
  } catch (error) {
    throw await withAlerts(drive, error, log);
  }
  await reportNotices(drive, log);
  return value;
}

/** What came up since the tape was loaded, and errors that nobody noticed. */
async function reportNotices(drive: OpenDrive, log: WorkLog): Promise<void> {
  const { recoveredErrors, lastRecovered, cleaningRequested } = await drive.tape.notices();
  if (recoveredErrors > 0) {
    log.info(
      `drive '${drive.name}' recovered from ${recoveredErrors} errors by itself; the last one: ${lastRecovered}`,
    );
  }
  const alerts = await flagsNow(drive);
  const { flags } = drive.complaints;
  const isNew = (flag: string): boolean => !flags.includes(flag);
  if (alerts?.flags.some(isNew)) {
    const critical = alerts.critical.filter(isNew);
    if (critical.length === 0) log.info(`tape alert flags: ${alerts.text}`);
    else
      log.warn(`drive '${drive.name}' reports ${critical.join(' | ')}: look at it and at its tape before the next job`);
    drive.complaints.flags = alerts.flags;
  }
  if (cleaningRequested || alerts?.cleaningRequested) await askForCleaning(drive, log, alerts);
}

/** The error of a job, with what the drive has to complain of since its tape was loaded. */
async function withAlerts(drive: OpenDrive, thrown: unknown, log: WorkLog): Promise<unknown> {
  const error = toFerriteError(thrown);
  if (error.kind === 'aborted' || UNREACHABLE.includes(error.code)) return thrown;
  const alerts = await flagsNow(drive);
  if (!alerts) return thrown;
  if (alerts.cleaningRequested) await askForCleaning(drive, log, alerts);
  const critical = alerts.critical.filter((flag) => !drive.complaints.flags.includes(flag));
  if (critical.length === 0) return thrown;
  const message = `${error.message} (drive '${drive.name}' reports ${critical.join(' | ')})`;
  return new FerriteError(error.kind, error.code, message, { cause: thrown });
}

/** To ask such a drive means another wait. */
const UNREACHABLE = ['device-gone', 'connection-lost'];

async function askForCleaning(drive: OpenDrive, log: WorkLog, alerts: AlertFlags | undefined): Promise<void> {
  const { complaints, name, changer, operator } = drive;
  if (complaints.askedForCleaning) return;
  complaints.askedForCleaning = true;
  const flags = alerts?.flags.filter((flag) => flag.startsWith('CLEAN_')) ?? [];
  const reason = `drive '${name}' wants to be cleaned${flags.length > 0 ? ` (${flags.join(' | ')})` : ''}`;
  const advice = await cleaningAdvice(drive);
  log.warn(`${reason}: ${advice}`);
  operator?.ask({ kind: 'clean-drive', drive: name, changer, reason, advice }, log);
}

async function cleaningAdvice({ name, changer, library }: OpenDrive): Promise<string> {
  if (changer === undefined) return 'insert a cleaning cartridge';
  const command = `'proxmox-tape clean --drive ${name}'`;
  const elements = await library?.elements().catch(() => undefined);
  if (!elements) return `see ${command}`;
  const cartridge = findCleaningCartridge(elements);
  return cartridge
    ? `run ${command}, which takes '${cartridge.labelText}' from slot ${cartridge.number}`
    : `insert a cleaning cartridge into a normal slot of library '${changer}', then run ${command}`;
}

/** For the end of a job, which is no place for new errors. */
function flagsNow({ tape }: OpenDrive): Promise<AlertFlags | undefined> {
  return tape.alertFlags().catch(() => undefined);
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
