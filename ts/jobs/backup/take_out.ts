/** What becomes of the tapes when a backup is done (behaviour.md 10.5, 10.6): exported, ejected, or left where they are. */
import type { Installation } from '../../config/installation.ts';
import type { DriveLibrary } from '../../library/changers/drive_library.ts';
import { exportTapes } from '../../library/changers/export.ts';
import type { OpenDrive } from '../../library/drives/drive.ts';
import { ejectMedia } from '../../library/load.ts';
import { updateOnlineStatus } from '../../library/online_status.ts';
import type { WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import type { MediaSet } from '../../media/membership.ts';
import type { BackupSummary } from './run.ts';

export interface TakeOutRules {
  ejectMedia?: boolean | undefined;
  exportMediaSet?: boolean | undefined;
}

export type TakeOut = 'export' | 'eject' | 'leave';

/** Export wins over eject; without a library a person has to take the tape out, so it is ejected instead. */
export function decideTakeOut(rules: TakeOutRules, drive: { hasLibrary: boolean; usedTapes: boolean }): TakeOut {
  if (rules.exportMediaSet && drive.hasLibrary) return 'export';
  return (rules.exportMediaSet || rules.ejectMedia) && drive.usedTapes ? 'eject' : 'leave';
}

export async function takeOutTapes(
  installation: Installation,
  drive: OpenDrive,
  rules: TakeOutRules,
  set: MediaSet,
  summary: BackupSummary,
  log: WorkLog,
): Promise<void> {
  const { library } = drive;
  const decision = decideTakeOut(rules, { hasLibrary: library !== undefined, usedTapes: summary.media.length > 0 });
  if (decision === 'export' && library) await exportMediaSet(installation, drive, library, set, log);
  if (decision !== 'eject') return;
  log.info(`eject tape from drive '${drive.name}'`);
  await ejectMedia(drive, log);
}

/** All members of the set, also those that earlier jobs wrote; a person is asked to take them out. */
async function exportMediaSet(
  installation: Installation,
  drive: OpenDrive,
  library: DriveLibrary,
  set: MediaSet,
  log: WorkLog,
): Promise<void> {
  const inventory = await new InventoryFile(installation).load();
  const members = [...set.members].sort(([a], [b]) => a - b).map(([, uuid]) => uuid);
  const labels = members.flatMap((uuid) => inventory.find(uuid)?.label.labelText ?? []);
  const tapes = await exportTapes(library, labels, log);
  await updateOnlineStatus(installation, drive, log);
  if (tapes.length === 0) return;
  const { name, changer, operator } = drive;
  operator?.ask({ kind: 'take-out', drive: name, changer, mediaSetUuid: set.uuid, tapes }, log);
}
