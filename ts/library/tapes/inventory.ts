/** The tapes that a library or virtual drive holds, and what is known of them (behaviour.md 13.4). */
import { existsSync } from 'node:fs';
import type { Installation } from '../../config/installation.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { setLabelOf } from '../../media/membership.ts';
import type { TapeLabels } from '../../native.ts';
import { isCleaningLabel } from '../changers/elements.ts';
import {
  type DriveAccess,
  type OpenDrive,
  type ReservedDrive,
  requireLibrary,
  withDriveState,
} from '../drives/drive.ts';
import { updateOnlineStatus } from '../online_status.ts';
import { registerTape, withBookkeeping } from './register_tape.ts';

export interface LibraryTape {
  labelText: string;
  /** Null: not in the inventory. */
  uuid: string | null;
}

/** As `listLibrary`; reserves the drive for it. */
export function listTapes(installation: Installation, access: DriveAccess, log: WorkLog): Promise<LibraryTape[]> {
  return withDriveState(installation, access, 'inventory', (drive) => listLibrary(installation, drive, log));
}

/** Asks the changer, stores where tapes are, and lists what it holds. Cleaning cartridges are no tapes. */
export async function listLibrary(
  installation: Installation,
  drive: ReservedDrive,
  log: WorkLog,
): Promise<LibraryTape[]> {
  if (!drive.library) {
    throw new FerriteError(
      'usage',
      'no-changer',
      `drive '${drive.name}' has no changer: use 'proxmox-tape read-label --inventorize'`,
    );
  }
  const inventory = await updateOnlineStatus(installation, drive, log);
  const labels = (await drive.library.onlineLabels()).filter((labelText) => !isCleaningLabel(labelText));
  return labels.map((labelText) => {
    const known = inventory.entries.filter((entry) => entry.label.labelText === labelText);
    return { labelText, uuid: known.length === 1 ? (known[0]?.label.uuid ?? null) : null };
  });
}

export interface InventoryRequest {
  /** Every tape, instead of those that are not known yet. */
  all: boolean;
  /** Also tapes without catalog; brings their catalogs back from the copies on them. */
  restoreCatalogs?: ((drive: OpenDrive, labels: TapeLabels, log: WorkLog) => Promise<void>) | undefined;
}

/** Loads tapes and enters their labels. */
export async function updateInventory(
  installation: Installation,
  drive: OpenDrive,
  request: InventoryRequest,
  log: WorkLog,
): Promise<void> {
  const tapes = await listLibrary(installation, drive, log);
  const library = requireLibrary(drive, log);
  for (const { labelText, uuid } of tapes) {
    log.signal.throwIfAborted();
    const isComplete = uuid !== null && !(request.restoreCatalogs && (await lacksCatalog(installation, uuid)));
    if (isComplete && !request.all) {
      log.info(`media '${labelText}' already inventoried`);
      continue;
    }
    const isWhatItSays = await inventoryTape(installation, drive, labelText, request, log);
    // One that is not is left in the drive for a person to look at; the next load takes it out.
    if (isWhatItSays) await library.empty();
  }
  await updateOnlineStatus(installation, drive, log);
}

async function lacksCatalog(installation: Installation, uuid: string): Promise<boolean> {
  const entry = (await new InventoryFile(installation).load()).find(uuid);
  return entry !== undefined && setLabelOf(entry) !== undefined && !existsSync(installation.paths.catalogFile(uuid));
}

/** What one tape is stays a warning: the others are still to be read. False: its label is another than its bar code. */
async function inventoryTape(
  installation: Installation,
  drive: OpenDrive,
  labelText: string,
  request: InventoryRequest,
  log: WorkLog,
): Promise<boolean> {
  try {
    await requireLibrary(drive, log).load(labelText);
    const labels = await drive.tape.readLabels();
    if (!labels) {
      log.info(`media '${labelText}' is empty`);
      return true;
    }
    if (labels.label.labelText !== labelText) {
      log.warn(`label text mismatch: tape '${labelText}' says it is '${labels.label.labelText}'; not entered`);
      return false;
    }
    await withBookkeeping(installation, labels, () => registerTape(installation, labels));
    log.info(`inventorize media '${labelText}' with uuid '${labels.label.uuid}'`);
    if (setLabelOf(labels)) await request.restoreCatalogs?.(drive, labels, log);
  } catch (error) {
    const failure = toFerriteError(error);
    if (failure.kind === 'aborted' || failure.code === 'device-gone') throw failure;
    log.warn(`unable to read label of tape '${labelText}': ${failure.message}`);
  }
  return true;
}
