/**
 * The set label of the tape that a backup is about to write to (behaviour.md 10.4). Writing it makes everything behind it
 * unreadable, so it is written only where the pool has given that up; a tape that turns out to be another than the inventory
 * says stays as it is.
 */
import type { Installation } from '../../config/installation.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import type { OpenDrive } from '../../library/drives/drive.ts';
import { registerTape, withBookkeeping } from '../../library/tapes/register_tape.ts';
import type { WorkLog } from '../../log.ts';
import { recordTapeKey } from '../../media/key_records.ts';
import { poolOf, setLabelOf } from '../../media/membership.ts';
import type { AllocatedTape } from '../../media/write_session.ts';
import type { MediaSetLabel, TapeLabels } from '../../native.ts';

/** A set this long is hard to bring back: every tape is needed. */
const LARGE_SET = 20;

export interface SetLabelRequest extends AllocatedTape {
  /** What the tape in the drive says. */
  readonly found: TapeLabels;
  /** What it is to say. */
  readonly wanted: MediaSetLabel;
  /** The key of an encrypted set under its password: only the tape gets it. */
  readonly keyConfig?: string | undefined;
  /** By its catalog nothing was written to it since it joined the set. */
  readonly isNew: boolean;
}

export async function ensureSetLabel(
  installation: Installation,
  drive: OpenDrive,
  request: SetLabelRequest,
  log: WorkLog,
): Promise<void> {
  const { found, wanted, isNew } = request;
  if (found.mediaSetLabel?.uuid === wanted.uuid) {
    refuseOtherPlace(found, found.mediaSetLabel, wanted);
    return;
  }
  if (!isNew) throw lostSetLabel(found, wanted);
  if (!wasGivenUp(request)) throw await foreignTape(installation, found);
  const before = setLabelOf(found);
  log.info(
    `writing new media set label to ${named(found)}` +
      (before ? ` (overwrites set ${before.uuid}, number ${before.seqNr})` : ''),
  );
  if (wanted.seqNr >= LARGE_SET) log.warn(`large media set: this is its tape number ${wanted.seqNr}`);
  const written = { ...wanted, ...(request.keyConfig !== undefined && { keyConfig: request.keyConfig }) };
  await drive.tape.writeMediaSetLabel(written);
  const { createCatalog } = await import('../../native.ts');
  const { owner, paths } = installation;
  const labels = { label: found.label, mediaSetLabel: wanted };
  await createCatalog(paths.catalogFile(found.label.uuid), labels, ...(owner ? [owner] : []));
  await recordTapeKey(installation, { label: found.label, mediaSetLabel: written });
}

/**
 * Labels of a tape that nothing was written to since it joined its set. The job that began to write its set label may have
 * been stopped in the middle of it: then there is none. With data behind it a damaged label stays an error.
 */
export async function readLabelsOfUnwritten({ tape }: OpenDrive): Promise<TapeLabels | null> {
  try {
    return await tape.readLabels();
  } catch (error) {
    if (toFerriteError(error).kind !== 'data') throw error;
    const label = await tape.readMediaLabel();
    if (!label || (await tape.endOfData()) > 2) throw error;
    return { label };
  }
}

const named = ({ label }: TapeLabels): string => `tape '${label.labelText}'`;

/** What lies behind the set label in the drive may go: there is nothing, or it is what the allocation gave up. */
function wasGivenUp({ found, wanted, source, before }: SetLabelRequest): boolean {
  const pool = poolOf(found);
  const present = setLabelOf(found);
  if (pool !== undefined && pool !== wanted.pool) return false;
  if (!present) return true;
  // What the tape was in when it last joined a set of this inventory was given up then, also if the job that did it was stopped
  // before it wrote the label. A younger label was written by somebody else.
  const joined = source === undefined ? wanted : before;
  return joined !== undefined && present.ctime <= joined.ctime;
}

/** Enters the tape as it is, so that the next run takes another one. */
async function foreignTape(installation: Installation, found: TapeLabels): Promise<FerriteError> {
  await withBookkeeping(installation, found, () => registerTape(installation, found));
  const set = setLabelOf(found);
  const owner = `${set ? `media set ${set.uuid} (number ${set.seqNr}) of ` : ''}pool '${poolOf(found)}'`;
  return new FerriteError(
    'operator',
    'foreign-tape',
    `${named(found)} belongs to ${owner}, which the inventory did not know: nothing was written to it, ` +
      'and the inventory is corrected; run the job again to go on with another tape',
  );
}

/** The catalog knows data on this tape that can no longer be there: not for a job to decide. */
function lostSetLabel(found: TapeLabels, wanted: MediaSetLabel): FerriteError {
  const present = setLabelOf(found);
  const state = present
    ? `belongs to media set ${present.uuid} (number ${present.seqNr}) of pool '${present.pool}' now`
    : 'has no media set label any more';
  return new FerriteError(
    'data',
    'I3',
    `${named(found)} is number ${wanted.seqNr} of media set ${wanted.uuid} and has data by its catalog, but it ${state}: ` +
      "if its data is really gone, run 'proxmox-tape read-label --inventorize', and the next backup starts a new media set",
  );
}

/** A tape that carries the set's label but another number or key is not what the inventory says it is. */
function refuseOtherPlace(found: TapeLabels, present: MediaSetLabel, wanted: MediaSetLabel): void {
  const key = ({ encryptionKeyFingerprint }: MediaSetLabel): string => encryptionKeyFingerprint ?? '(none)';
  const problem =
    present.seqNr !== wanted.seqNr
      ? `is number ${present.seqNr} of media set ${present.uuid}, the inventory says ${wanted.seqNr}`
      : key(present) !== key(wanted)
        ? `has the encryption key ${key(present)}, the pool has ${key(wanted)}`
        : undefined;
  if (!problem) return;
  throw new FerriteError('data', 'I3', `${named(found)} ${problem}: run 'proxmox-tape read-label --inventorize'`);
}
