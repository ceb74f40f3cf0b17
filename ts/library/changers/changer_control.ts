/**
 * What `pmtx` does: one changer under direct control. What the configuration says about its slots is left aside, nothing is
 * cached, and the inventory is not told (cli.md 6).
 */
import { resolve } from 'node:path';
import { changerConfig } from '../../config/changers.ts';
import { changerOf, driveConfig } from '../../config/drives.ts';
import type { Installation } from '../../config/installation.ts';
import { FerriteError } from '../../errors.ts';
import type { MediaChanger } from '../../native.ts';
import { notOpened } from '../drives/tape_control.ts';
import { elementsOf } from './changer.ts';
import { planUnload } from './moves.ts';

export interface ChangerDeviceChoice {
  /** Name of a configured changer. */
  changer?: string | undefined;
  /** Path of a device. */
  device?: string | undefined;
  /** Writes every SCSI command there; `-` is standard error. */
  'trace-scsi'?: string | undefined;
}

/** Opens the chosen device for the duration of `work`; `tell` is told its path first. */
export async function controlChanger<T>(
  installation: Installation,
  choice: ChangerDeviceChoice,
  tell: (path: string) => void,
  work: (changer: MediaChanger) => Promise<T>,
): Promise<T> {
  const { name, path } = await chooseDevice(installation, choice);
  tell(path);
  const { MediaChanger } = await import('../../native.ts');
  const traceScsi = choice['trace-scsi'] ?? installation.variables.FERRITE_TRACE_SCSI;
  const changer = await MediaChanger.open({ name, path, ...(traceScsi && { traceScsi }) }).catch((error) => {
    throw notOpened(error);
  });
  try {
    return await work(changer);
  } finally {
    await changer.close();
  }
}

/** `--changer`, `--device`, the changer of `PROXMOX_TAPE_DRIVE`, `CHANGER`. */
async function chooseDevice(
  installation: Installation,
  choice: ChangerDeviceChoice,
): Promise<{ name: string; path: string }> {
  const { PROXMOX_TAPE_DRIVE: defaultDrive, CHANGER: defaultDevice } = installation.variables;
  if (choice.changer !== undefined) return changerConfig(installation, choice.changer);
  if (choice.device !== undefined) return atPath(choice.device);
  if (defaultDrive) {
    const drive = await driveConfig(installation, defaultDrive);
    const changer = changerOf(drive);
    if (changer !== undefined && drive.type !== 'virtual') return changerConfig(installation, changer);
    throw new FerriteError('usage', 'no-changer', `drive '${defaultDrive}' has no changer: use --changer or --device`);
  }
  if (defaultDevice) return atPath(defaultDevice);
  throw new FerriteError(
    'usage',
    'no-device',
    'no changer was named: use --changer NAME, --device PATH, or the environment variables PROXMOX_TAPE_DRIVE or CHANGER',
  );
}

function atPath(device: string): { name: string; path: string } {
  const path = resolve(device);
  return { name: path, path };
}

/** Empties a drive: into the slot given, else where its tape came from, else into the first free normal slot. */
export async function unloadDrive(changer: MediaChanger, drive: number, slot: number | undefined): Promise<void> {
  if (slot !== undefined) {
    await changer.unload(drive, slot);
    return;
  }
  const { moves, refusal } = planUnload(elementsOf(await changer.status()), drive);
  if (refusal) throw refusal;
  for (const { to } of moves) if ('slot' in to) await changer.unload(drive, to.slot);
}
