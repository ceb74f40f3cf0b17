/**
 * A drive in use: reserved for this process, opened through the Rust core, and served with tapes by a library or by a
 * person. A virtual drive is its own library; nothing above asks what a drive is made of.
 */
import { changerConfig } from '../../config/changers.ts';
import { changerOf, chooseDrive } from '../../config/drives.ts';
import type { Installation } from '../../config/installation.ts';
import type { DriveConfig } from '../../config/tape_sections.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { Environment, TapeDrive } from '../../native.ts';
import type { DriveLibrary } from '../changers/drive_library.ts';
import { Robot } from '../changers/robot.ts';
import { VirtualLibrary } from '../changers/virtual_library.ts';
import type { Operator } from '../operator.ts';
import { Complaints } from './complaints.ts';
import { DriveHandle } from './drive_handle.ts';
import { type DriveReservation, reserveDrive } from './drive_state.ts';

export interface ReservedDrive {
  readonly config: DriveConfig;
  readonly name: string;
  /** The changer that serves it; undefined: a person inserts the tapes. */
  readonly changer: string | undefined;
  readonly library: DriveLibrary | undefined;
  readonly reservation: DriveReservation;
  readonly handle: DriveHandle;
  /** Whom to ask for tapes; undefined: nobody, a tape that is not there is a failure. */
  readonly operator?: Operator | undefined;
  readonly complaints: Complaints;
}

export interface OpenDrive extends ReservedDrive {
  readonly tape: TapeDrive;
}

export interface DriveAccess {
  /** `--drive`; else `PROXMOX_TAPE_DRIVE`, else the only drive there is. */
  drive?: string | undefined;
  /** Clock, UUIDs and chunk order of what is written, and faults of devices; the system's where not given. */
  environment?: Environment | undefined;
  /** Whom to ask for tapes; undefined: nobody, a tape that is not there is a failure. */
  operator?: Operator | undefined;
  /** How long to wait for another user of the drive in milliseconds; ten seconds where not given. */
  waitMs?: number | undefined;
  /** Tapes of a virtual drive keep the lengths of their files and none of their content: for plans. */
  hollow?: boolean | undefined;
}

/** Reserves a drive for the duration of `work`. Waits for another user at most ten seconds, or as long as `access` says. */
export async function withReservedDrive<T>(
  installation: Installation,
  access: DriveAccess,
  signal: AbortSignal | undefined,
  work: (drive: ReservedDrive) => Promise<T>,
): Promise<T> {
  const config = await chooseDrive(installation, access.drive);
  const handle = new DriveHandle(installation, config, access);
  const library = await libraryOf(installation, config, handle, access, signal);
  const timeoutMs = access.waitMs;
  const reservation = await reserveDrive(installation, config, {
    signal,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  try {
    return await work({
      config,
      name: config.name,
      changer: changerOf(config),
      library,
      reservation,
      handle,
      operator: access.operator,
      complaints: new Complaints(),
    });
  } finally {
    await reservation.release();
  }
}

async function libraryOf(
  installation: Installation,
  config: DriveConfig,
  handle: DriveHandle,
  access: DriveAccess,
  signal: AbortSignal | undefined,
): Promise<DriveLibrary | undefined> {
  if (config.type === 'virtual') return new VirtualLibrary(config.name, handle, signal);
  if (config.changer === undefined) return undefined;
  const changer = await changerConfig(installation, config.changer);
  const driveNumber = config['changer-drivenum'] ?? 0;
  return new Robot({ installation, changer, driveNumber, handle, environment: access.environment, signal });
}

/** Opens a reserved drive for the duration of `work`. An abort stops the drive between two commands. */
export function withOpenDrive<T>(
  drive: ReservedDrive,
  signal: AbortSignal | undefined,
  work: (drive: OpenDrive) => Promise<T>,
): Promise<T> {
  return drive.handle.use(signal, (tape) => work({ ...drive, tape }));
}

/** Says on which tape something failed: the Rust core names file, block or path, and knows nothing of labels. */
export async function onTape<T>(labelText: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    const { kind, code, message } = toFerriteError(thrown);
    // These are about the person, or about the datastore that is read.
    if (kind === 'aborted' || code === 'source-chunk' || code === 'internal') throw thrown;
    throw new FerriteError(kind, code, `tape '${labelText}': ${message}`, { cause: thrown });
  }
}

/** Reserves a drive for a direct call that leaves the drive itself alone; `state` says to others what it is used for. */
export async function withDriveState<T>(
  installation: Installation,
  access: DriveAccess,
  state: string,
  work: (drive: ReservedDrive) => Promise<T>,
): Promise<T> {
  return withReservedDrive(installation, access, undefined, async (drive) => {
    await drive.reservation.setState(state);
    return work(drive);
  });
}

/** As `withDriveState`, with the drive open. */
export async function withDrive<T>(
  installation: Installation,
  access: DriveAccess,
  state: string,
  work: (drive: OpenDrive) => Promise<T>,
): Promise<T> {
  return withDriveState(installation, access, state, (drive) => withOpenDrive(drive, undefined, work));
}

/** The library of a drive; without one a person moves the tapes. `log` is told about movements. */
export function requireLibrary(drive: ReservedDrive, log?: WorkLog): DriveLibrary {
  const { library, name } = drive;
  if (library) {
    if (log) library.tell(log);
    return library;
  }
  throw new FerriteError(
    'usage',
    'no-changer',
    `drive '${name}' has no changer: insert and remove tapes by hand, or set one with 'proxmox-tape drive update'`,
  );
}
