/** The tapes of a media set that is restored: all of them must be known, and be what the inventory says. */
import type { Installation } from '../../config/installation.ts';
import { FerriteError } from '../../errors.ts';
import type { OpenDrive } from '../../library/drives/drive.ts';
import { requestMedia } from '../../library/media_request.ts';
import type { WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { collectSet, poolOf, setLabelOf } from '../../media/membership.ts';
import type { InventoryEntry, TapeLabels } from '../../native.ts';
import { prepareToRead } from '../tape_encryption.ts';
import type { RestoreSummary } from './summary.ts';

/**
 * All tapes of the set in order. To restore it whole none of them may be missing (I2); chosen snapshots may be on those that
 * are known.
 */
export async function requireMembers(
  installation: Installation,
  mediaSet: string,
  { complete }: { complete: boolean },
): Promise<InventoryEntry[]> {
  const inventory = await new InventoryFile(installation).load();
  const set = collectSet(inventory.entries, mediaSet);
  const advice = "load the tape and run 'proxmox-tape read-label --inventorize'";
  if (set.length === 0) {
    throw new FerriteError(
      'usage',
      'unknown-media-set',
      `no tape of media set ${mediaSet} is in the inventory: ${advice}`,
    );
  }
  if (set.conflicts.length > 0) {
    const tapes = set.conflicts.join(', ');
    throw new FerriteError('data', 'I1', `media set ${mediaSet}: several tapes have the same number (${tapes})`);
  }
  const members = Array.from({ length: set.length }, (_, seqNr) => {
    const uuid = set.members.get(seqNr);
    return uuid === undefined ? undefined : inventory.find(uuid);
  });
  const missing = members.flatMap((entry, seqNr) => (entry ? [] : [seqNr]));
  if (complete && missing.length > 0) {
    throw new FerriteError(
      'operator',
      'I2',
      `media set ${mediaSet} is incomplete: tape number ${missing[0]} is not known; ${advice}`,
    );
  }
  const known = members.flatMap((entry) => entry ?? []);
  refuseSeveralPools(mediaSet, known, advice);
  return known;
}

function refuseSeveralPools(mediaSet: string, members: readonly InventoryEntry[], advice: string): void {
  if (new Set(members.map((entry) => poolOf(entry))).size === 1) return;
  const named = members.map((entry) => `'${entry.label.labelText}' in pool '${poolOf(entry)}'`).join(', ');
  throw new FerriteError('data', 'I1', `the tapes of media set ${mediaSet} are in several pools (${named}): ${advice}`);
}

/** Brings a tape of the set into the drive with its key, and notes that it was used. The one that was loaded last stays. */
export async function loadMember(
  installation: Installation,
  drive: OpenDrive,
  member: InventoryEntry,
  summary: RestoreSummary,
  log: WorkLog,
): Promise<TapeLabels> {
  const found = await requestMedia(drive, member.label, log);
  refuseOtherMember(found, member);
  await prepareToRead(installation, drive, found, log);
  const { labelText, uuid } = member.label;
  if (summary.media.at(-1)?.uuid !== uuid) {
    summary.media.push({ labelText, uuid, seqNr: setLabelOf(member)?.seqNr ?? 0 });
  }
  return found;
}

/** What is in the drive must be what the inventory says about this member (I3). */
function refuseOtherMember(found: TapeLabels, entry: InventoryEntry): void {
  const tape = `tape '${found.label.labelText}'`;
  const present = setLabelOf(found);
  const wanted = setLabelOf(entry);
  const problem = !present
    ? 'belongs to no media set'
    : present.uuid !== wanted?.uuid
      ? `belongs to media set ${present.uuid} now`
      : present.seqNr !== wanted.seqNr
        ? `is number ${present.seqNr} of its set, not ${wanted.seqNr}`
        : undefined;
  if (!problem) return;
  throw new FerriteError(
    'operator',
    'I3',
    `${tape} ${problem}: run 'proxmox-tape read-label --inventorize' to correct the inventory`,
  );
}
