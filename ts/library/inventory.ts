/** The tapes that a library or virtual drive holds, and what is known of them (behaviour.md 13.4). */
import { listChangerNames } from '../config/drives.ts';
import type { Installation } from '../config/installation.ts';
import { FerriteError, toFerriteError } from '../errors.ts';
import type { WorkLog } from '../log.ts';
import { type DriveAccess, type OpenDrive, withDrive } from './drive.ts';
import { onlineLabels, updateOnlineStatus } from './online_status.ts';
import { registerTape, withBookkeeping } from './register_tape.ts';

export interface LibraryTape {
  labelText: string;
  /** Null: not in the inventory. */
  uuid: string | null;
}

/** As `listLibrary`; reserves and opens the drive for it. */
export function listTapes(installation: Installation, access: DriveAccess, log: WorkLog): Promise<LibraryTape[]> {
  return withDrive(installation, access, 'inventory', (drive) => listLibrary(installation, drive, log));
}

/** Asks the changer, stores where tapes are, and lists what it holds. */
export async function listLibrary(installation: Installation, drive: OpenDrive, log: WorkLog): Promise<LibraryTape[]> {
  requireChanger(drive);
  const inventory = await updateOnlineStatus(installation, drive, await listChangerNames(installation), log);
  const labels = await onlineLabels(drive);
  return labels.map((labelText) => {
    const known = inventory.entries.filter((entry) => entry.label.labelText === labelText);
    return { labelText, uuid: known.length === 1 ? (known[0]?.label.uuid ?? null) : null };
  });
}

/** Loads tapes and enters their labels: those not known yet, or with `all` every one. */
export async function updateInventory(
  installation: Installation,
  drive: OpenDrive,
  request: { all: boolean },
  log: WorkLog,
): Promise<void> {
  const tapes = await listLibrary(installation, drive, log);
  for (const { labelText, uuid } of tapes) {
    log.signal.throwIfAborted();
    if (labelText.startsWith('CLN')) continue;
    if (uuid !== null && !request.all) {
      log.info(`media '${labelText}' already inventoried`);
      continue;
    }
    await inventoryTape(installation, drive, labelText, log);
  }
  await drive.tape.unload();
  await updateOnlineStatus(installation, drive, await listChangerNames(installation), log);
}

/** What one tape is stays a warning: the others are still to be read. */
async function inventoryTape(
  installation: Installation,
  drive: OpenDrive,
  labelText: string,
  log: WorkLog,
): Promise<void> {
  try {
    await drive.tape.load(labelText);
    const labels = await drive.tape.readLabels();
    if (!labels) {
      log.info(`media '${labelText}' is empty`);
    } else if (labels.label.labelText !== labelText) {
      log.warn(`label text mismatch: tape '${labelText}' says it is '${labels.label.labelText}'; not entered`);
    } else {
      await withBookkeeping(installation, labels, () => registerTape(installation, labels));
      log.info(`inventorize media '${labelText}' with uuid '${labels.label.uuid}'`);
    }
  } catch (error) {
    const failure = toFerriteError(error);
    if (failure.kind === 'aborted') throw failure;
    log.warn(`unable to read label of tape '${labelText}': ${failure.message}`);
  }
}

function requireChanger(drive: OpenDrive): void {
  if (drive.changer !== undefined) return;
  throw new FerriteError(
    'usage',
    'no-changer',
    `drive '${drive.name}' has no changer: use 'proxmox-tape read-label --inventorize'`,
  );
}
