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

export type TakeOut = 'export' | 'eject' | 'leave';

/** Export wins over eject; without a library a person has to take the tape out, so it is ejected instead. */
export function decideTakeOut(rules: TakeOutRules, drive: { hasLibrary: boolean; usedTapes: boolean }): TakeOut {
  if (rules.exportMediaSet && drive.hasLibrary) return 'export';
  return (rules.exportMediaSet || rules.ejectMedia) && drive.usedTapes ? 'eject' : 'leave';
}

export async function takeOutTapes(
  drive: OpenDrive,
  rules: TakeOutRules,
  _set: MediaSet,
  summary: BackupSummary,
  log: WorkLog,
): Promise<void> {
  const decision = decideTakeOut(rules, { hasLibrary: false, usedTapes: summary.media.length > 0 });
  if (decision !== 'eject') return;
  log.info(`eject tape from drive '${drive.name}'`);
  await ejectMedia(drive);
}
