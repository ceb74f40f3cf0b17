/** Moves tapes in and out of a drive (behaviour.md 16). A virtual drive is its own changer. */
import { FerriteError } from '../errors.ts';
import type { WorkLog } from '../log.ts';
import type { OpenDrive } from './drive.ts';

/** Loads the tape with this label text. */
export async function loadMedia(drive: OpenDrive, labelText: string, log: WorkLog): Promise<void> {
  requireChanger(drive);
  if (labelText.startsWith('CLN')) {
    throw new FerriteError(
      'usage',
      'cleaning-tape',
      `'${labelText}' is a cleaning cartridge: see 'proxmox-tape clean'`,
    );
  }
  log.info(`loading tape '${labelText}' into drive '${drive.name}'`);
  await drive.tape.load(labelText);
}

/** Takes the tape out of the drive. */
export async function unloadMedia(drive: OpenDrive): Promise<void> {
  requireChanger(drive);
  await drive.tape.unload();
}

/** With a changer back to its place, else out of the drive. */
export async function ejectMedia(drive: OpenDrive): Promise<void> {
  await drive.tape.unload();
}

function requireChanger(drive: OpenDrive): void {
  if (drive.changer !== undefined) return;
  throw new FerriteError(
    'usage',
    'no-changer',
    `drive '${drive.name}' has no changer: insert and remove tapes by hand, or set one with 'proxmox-tape drive update'`,
  );
}
