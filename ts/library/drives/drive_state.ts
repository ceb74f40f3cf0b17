/**
 * Who uses a drive: the lock of its path and the state file of its name (behaviour.md section 19). The state says what the
 * holder of the lock does; without a holder it means nothing.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type HeldLock, isLockTimeout, LOCK_TIMEOUT_MS } from '../../config/file_lock.ts';
import { type Installation, lockFile } from '../../config/installation.ts';
import { replaceFile } from '../../config/replace_file.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';

export interface DriveAddress {
  /** Section name in tape.cfg. */
  name: string;
  /** Device node or virtual drive directory: two names of one path share the lock. */
  path: string;
}

export interface DriveReservation {
  /** Says what the drive is used for: a task id or a few words. */
  setState(text: string): Promise<void>;
  /** Clears the state and gives the lock back. */
  release(): Promise<void>;
}

export interface ReserveOptions {
  /** How long to wait for another user; ten seconds where not given. */
  timeoutMs?: number;
  /** Ends the wait. */
  signal?: AbortSignal | undefined;
}

/** Takes the drive for this process. */
export async function reserveDrive(
  installation: Installation,
  drive: DriveAddress,
  options: ReserveOptions = {},
): Promise<DriveReservation> {
  const lock = await lockDrive(installation, drive, options);
  return {
    setState: (text) => writeState(installation, drive.name, text),
    async release() {
      // Without a holder the state means nothing: a full disk here is no failure of the work that was done.
      await writeState(installation, drive.name, '').catch(() => undefined);
      lock.release();
    },
  };
}

/** Waits in short steps, so that an abort is heard. */
const WAIT_STEP_MS = 250;

async function lockDrive(installation: Installation, drive: DriveAddress, options: ReserveOptions): Promise<HeldLock> {
  const { timeoutMs = LOCK_TIMEOUT_MS, signal } = options;
  const path = installation.paths.driveLock(drive.path);
  for (let leftMs = timeoutMs; ; leftMs -= WAIT_STEP_MS) {
    if (signal?.aborted) throw toFerriteError(signal.reason);
    try {
      return await lockFile(installation, path, `drive '${drive.name}'`, Math.min(leftMs, WAIT_STEP_MS));
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      if (leftMs <= WAIT_STEP_MS) throw await driveBusy(installation, drive, timeoutMs, error);
    }
  }
}

async function driveBusy(
  installation: Installation,
  drive: DriveAddress,
  waitedMs: number,
  cause: unknown,
): Promise<FerriteError> {
  const state = await readState(installation, drive.name);
  const user = state === '' ? 'another process uses it' : state;
  const message = `drive '${drive.name}' is busy (${user}; waited ${waitedMs / 1000} s): try again when it is done`;
  return new FerriteError('operator', 'drive-busy', message, { cause });
}

async function writeState(installation: Installation, drive: string, text: string): Promise<void> {
  const path = installation.paths.driveStateFile(drive);
  await replaceFile(installation, path, text, { mode: 0o644, owner: installation.owner });
}

async function readState(installation: Installation, drive: string): Promise<string> {
  const text = await readFile(installation.paths.driveStateFile(drive), 'utf8').catch(() => '');
  return text.trim();
}

/** What the drive is used for, or undefined while nobody holds its lock. */
export async function driveState(installation: Installation, drive: DriveAddress): Promise<string | undefined> {
  const path = installation.paths.driveLock(drive.path);
  // Whoever only looks makes no lock files, and does not need the Rust core.
  if (!existsSync(path)) return undefined;
  try {
    const lock = await lockFile(installation, path, `drive '${drive.name}'`, 0);
    lock.release();
    return undefined;
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    return (await readState(installation, drive.name)) || 'in use';
  }
}
