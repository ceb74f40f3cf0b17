/**
 * A drive in use: reserved for this process and opened through the Rust core. A virtual drive is its own changer; drives
 * of other kinds are opened the same way, so nothing above asks what a drive is made of.
 */
import { changerOf, chooseDrive } from '../config/drives.ts';
import type { Installation } from '../config/installation.ts';
import { DEFAULT_VIRTUAL_TAPE_BYTES, type DriveConfig } from '../config/tape_sections.ts';
import { FerriteError, toFerriteError } from '../errors.ts';
import type { Environment, TapeDrive } from '../native.ts';
import { type DriveReservation, reserveDrive } from './drive_state.ts';
import type { Operator } from './operator.ts';

export interface ReservedDrive {
  readonly config: DriveConfig;
  readonly name: string;
  /** The changer that serves it; undefined: a person inserts the tapes. */
  readonly changer: string | undefined;
  readonly reservation: DriveReservation;
  /** Whom to ask for tapes; undefined: nobody, a tape that is not there is a failure. */
  readonly operator?: Operator | undefined;
}

export interface OpenDrive extends ReservedDrive {
  readonly tape: TapeDrive;
}

export interface DriveAccess {
  /** `--drive`; else `PROXMOX_TAPE_DRIVE`, else the only drive there is. */
  drive?: string | undefined;
  /** Clock, UUIDs and chunk order of what is written; the system's where not given. */
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
  const timeoutMs = access.waitMs;
  const reservation = await reserveDrive(installation, config, {
    signal,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  try {
    const { operator } = access;
    return await work({ config, name: config.name, changer: changerOf(config), reservation, operator });
  } finally {
    await reservation.release();
  }
}

/** Opens a reserved drive for the duration of `work`. An abort stops the drive between two commands. */
export async function withOpenDrive<T>(
  drive: ReservedDrive,
  access: DriveAccess,
  signal: AbortSignal | undefined,
  work: (drive: OpenDrive) => Promise<T>,
): Promise<T> {
  const { TapeDrive } = await import('../native.ts');
  const tape = await TapeDrive.open(driveOptions(drive.config, access));
  const abort = (): void => tape.cancel();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    if (signal?.aborted) throw toFerriteError(signal.reason);
    return await work({ ...drive, tape });
  } finally {
    signal?.removeEventListener('abort', abort);
    await tape.close();
  }
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

/** Reserves and opens a drive for a direct call; `state` says to others what it is used for. */
export async function withDrive<T>(
  installation: Installation,
  access: DriveAccess,
  state: string,
  work: (drive: OpenDrive) => Promise<T>,
): Promise<T> {
  return withReservedDrive(installation, access, undefined, async (drive) => {
    await drive.reservation.setState(state);
    return withOpenDrive(drive, access, undefined, work);
  });
}

function driveOptions(config: DriveConfig, { environment, hollow }: DriveAccess) {
  if (config.type !== 'virtual') {
    throw new FerriteError(
      'usage',
      'drive-type',
      `drive '${config.name}' is a ${config.type} device; this version drives virtual drives only`,
    );
  }
  return {
    kind: 'virtual' as const,
    name: config.name,
    path: config.path,
    maxSize: config['max-size'] ?? DEFAULT_VIRTUAL_TAPE_BYTES,
    ...(environment && { environment }),
    ...(hollow && { hollow }),
  };
}
