/** Where tapes are, as the changers see it now (behaviour.md 18). */
import type { Installation } from '../config/installation.ts';
import type { WorkLog } from '../log.ts';
import type { Inventory } from '../media/inventory.ts';
import { InventoryFile } from '../media/inventory_file.ts';
import { onlineUpdate } from '../media/online.ts';
import type { OpenDrive } from './drive.ts';

/** Label texts that the drive's changer can reach. */
export async function onlineLabels(drive: OpenDrive): Promise<string[]> {
  if (drive.changer === undefined) return [];
  const { slots } = await drive.tape.slots();
  return slots.flatMap(({ labelText }) => (labelText === undefined ? [] : [labelText]));
}

/** Asks the changer of a drive and stores where its tapes are. Without a changer nothing is known. */
export async function updateOnlineStatus(
  installation: Installation,
  drive: OpenDrive,
  configuredChangers: readonly string[],
  log: WorkLog,
): Promise<Inventory> {
  const file = new InventoryFile(installation);
  if (drive.changer === undefined) return file.load();
  const seen = new Map([[drive.changer, await onlineLabels(drive)]]);
  return file.update((inventory) => {
    const update = onlineUpdate(inventory.entries, { seen, configured: new Set(configuredChangers) });
    for (const warning of update.warnings) log.warn(warning);
    return inventory.withOnlineUpdate(update);
  });
}
