/** Where tapes are now: the library of the drive is asked, and what it says is not stored. */
import { changerOf, listChangerNames } from '../../config/drives.ts';
import type { Installation } from '../../config/installation.ts';
import type { DriveConfig } from '../../config/tape_sections.ts';
import { askChangers } from '../../library/online_status.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { onlineUpdate } from '../../media/online.ts';
import type { InventoryEntry } from '../../native.ts';

/** All tapes that are known. `notes` gets what a job would warn of. */
export async function presentEntries(
  installation: Installation,
  drive: DriveConfig,
  notes: string[],
): Promise<readonly InventoryEntry[]> {
  const inventory = await new InventoryFile(installation).load();
  const changer = changerOf(drive);
  if (changer === undefined) return inventory.entries;
  const update = onlineUpdate(inventory.entries, {
    seen: await askChangers(installation, changer, (warning) => notes.push(warning)),
    configured: new Set(await listChangerNames(installation)),
  });
  notes.push(...update.warnings);
  return inventory.withOnlineUpdate(update).entries;
}
