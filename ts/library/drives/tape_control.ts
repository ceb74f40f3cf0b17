/**
 * What `pmt` does: one tape device under direct control. No lock is taken, and neither inventory nor catalogs know of it
 * (cli.md 1.4), so it works beside a job, for better or worse.
 */
import { resolve } from 'node:path';
import { driveConfig, listDrives } from '../../config/drives.ts';
import type { Installation } from '../../config/installation.ts';
import type { DriveConfig } from '../../config/tape_sections.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import type { DriveOptions, TapeDrive } from '../../native.ts';
import { driveOptions } from './drive_handle.ts';
import { isTapeNode } from './tape_node.ts';

export interface TapeDeviceChoice {
  /** Name of a configured drive. */
  drive?: string | undefined;
  /** Path of a device. */
  device?: string | undefined;
  /** Writes every SCSI command there; `-` is standard error. */
  'trace-scsi'?: string | undefined;
}

/** Opens the chosen device for the duration of `work`; `tell` is told its path first. */
export async function controlTape<T>(
  installation: Installation,
  choice: TapeDeviceChoice,
  tell: (path: string) => void,
  work: (tape: TapeDrive) => Promise<T>,
): Promise<T> {
  const options = await chooseTapeDevice(installation, choice);
  tell(options.path);
  const { TapeDrive } = await import('../../native.ts');
  const trace = choice['trace-scsi'];
  const passive = { ...options, passive: true, ...(trace !== undefined && { traceScsi: trace }) };
  const tape = await TapeDrive.open(passive).catch((error) => {
    throw notOpened(error);
  });
  try {
    return await work(tape);
  } finally {
    await tape.close();
  }
}

/** `--drive`, `--device`, `PROXMOX_TAPE_DRIVE`, `TAPE`, the only tape drive of the configuration. */
async function chooseTapeDevice(installation: Installation, choice: TapeDeviceChoice): Promise<DriveOptions> {
  const { PROXMOX_TAPE_DRIVE: defaultDrive, TAPE: defaultDevice } = installation.variables;
  if (choice.drive !== undefined) return configured(installation, choice.drive);
  if (choice.device !== undefined) return atPath(installation, choice.device);
  if (defaultDrive) return configured(installation, defaultDrive);
  if (defaultDevice) return atPath(installation, defaultDevice);
  const drives = (await listDrives(installation)).filter(({ type }) => type !== 'virtual');
  const [only] = drives;
  if (only && drives.length === 1) return optionsOf(installation, only);
  throw new FerriteError(
    'usage',
    'no-device',
    'no tape device was named: use --drive NAME, --device PATH, or the environment variables PROXMOX_TAPE_DRIVE or TAPE',
  );
}

async function configured(installation: Installation, name: string): Promise<DriveOptions> {
  return optionsOf(installation, await driveConfig(installation, name));
}

function optionsOf(installation: Installation, config: DriveConfig): DriveOptions {
  if (config.type !== 'virtual') return driveOptions(installation, config);
  const message = `drive '${config.name}' is virtual: pmt is for tape devices`;
  throw new FerriteError('usage', 'drive-type', message);
}

async function atPath(installation: Installation, device: string): Promise<DriveOptions> {
  const path = resolve(device);
  const type = (await isTapeNode(path)) ? 'linux' : 'lto';
  return driveOptions(installation, { type, name: path, path });
}

/** A device that cannot be opened gives no answer; it was the wrong one to ask. */
export function notOpened(thrown: unknown): FerriteError {
  const { code, message } = toFerriteError(thrown);
  return new FerriteError('usage', code, message, { cause: thrown });
}
