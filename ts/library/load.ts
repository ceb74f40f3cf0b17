/** Moves tapes in and out of a drive (behaviour.md 16). A virtual drive is its own changer. */
import { FerriteError } from '../errors.ts';
import type { WorkLog } from '../log.ts';
import type { TapeLabels } from '../native.ts';
import { type OpenDrive, onTape } from './drive.ts';
import { onlineLabels } from './online_status.ts';

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

/** A virtual drive makes a new tape when it is told to load one that it does not have; a job wants the one it knows. */
async function requireInLibrary(drive: OpenDrive, labelText: string): Promise<void> {
  const labels = await onlineLabels(drive);
  if (drive.changer === undefined || labels.includes(labelText)) return;
  throw new FerriteError(
    'operator',
    'tape-offline',
    `tape '${labelText}' is not in the library of drive '${drive.name}': bring it there and run the job again`,
  );
}

export type ReadLabels = (drive: OpenDrive) => Promise<TapeLabels | null>;

/**
 * Loads a certain tape and reads its labels. The tape is told by its uuid, never by its text alone (behaviour.md 11).
 */
export async function requestMedia(
  drive: OpenDrive,
  wanted: { labelText: string; uuid: string },
  log: WorkLog,
  readLabels: ReadLabels = ({ tape }) => tape.readLabels(),
): Promise<TapeLabels> {
  await requireInLibrary(drive, wanted.labelText);
  await loadMedia(drive, wanted.labelText, log);
  const found = await onTape(wanted.labelText, readLabels(drive));
  const place = `the tape in drive '${drive.name}'`;
  if (!found) {
    throw new FerriteError(
      'operator',
      'I3',
      `${place}, loaded as '${wanted.labelText}', has no label: it is blank, not the tape with uuid ${wanted.uuid}`,
    );
  }
  if (found.label.uuid !== wanted.uuid) {
    const { labelText, uuid } = found.label;
    throw new FerriteError(
      'operator',
      'I3',
      `${place} is '${labelText}' (${uuid}), wanted is '${wanted.labelText}' (${wanted.uuid})`,
    );
  }
  log.info(`found media label ${found.label.labelText} (${found.label.uuid})`);
  return found;
}
