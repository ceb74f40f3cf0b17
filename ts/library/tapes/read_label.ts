/** What the two labels of the tape in a drive say (behaviour.md 13.3, 18). */
import type { Installation } from '../../config/installation.ts';
import { FerriteError } from '../../errors.ts';
import { poolOf, ZERO_UUID } from '../../media/membership.ts';
import type { TapeLabels } from '../../native.ts';
import { type DriveAccess, type OpenDrive, withDrive } from '../drives/drive.ts';
import { registerTape, withBookkeeping } from './register_tape.ts';

export interface LabelFacts {
  labelText: string;
  uuid: string;
  /** Epoch seconds. */
  ctime: number;
  pool?: string;
  /** All zero: reserved for its pool, used by no set yet (D6). */
  mediaSetUuid?: string;
  seqNr?: number;
  mediaSetCtime?: number;
  encryptionKeyFingerprint?: string;
}

export async function requireLabels(drive: OpenDrive): Promise<TapeLabels> {
  const labels = await drive.tape.readLabels();
  if (labels) return labels;
  throw new FerriteError('operator', 'no-label', `the tape in drive '${drive.name}' is blank: it has no label`);
}

export function readLabel(
  installation: Installation,
  request: DriveAccess & { inventorize?: boolean | undefined },
): Promise<LabelFacts> {
  return withDrive(installation, request, 'read label', async (drive) => {
    const labels = await requireLabels(drive);
    if (request.inventorize) await withBookkeeping(installation, labels, () => registerTape(installation, labels));
    return labelFacts(labels);
  });
}

export function labelFacts(labels: TapeLabels): LabelFacts {
  const { label, mediaSetLabel: set } = labels;
  const pool = poolOf(labels);
  const facts: LabelFacts = { labelText: label.labelText, uuid: label.uuid, ctime: label.ctime };
  if (set) {
    const { uuid: mediaSetUuid, seqNr, ctime: mediaSetCtime, encryptionKeyFingerprint: key } = set;
    Object.assign(
      facts,
      { mediaSetUuid, seqNr, mediaSetCtime },
      key !== undefined && { encryptionKeyFingerprint: key },
    );
  } else if (pool !== undefined) {
    Object.assign(facts, { mediaSetUuid: ZERO_UUID, seqNr: 0, mediaSetCtime: label.ctime });
  }
  return pool === undefined ? facts : { ...facts, pool };
}
