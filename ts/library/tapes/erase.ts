/** Erases the tape in a drive and forgets it (behaviour.md 13.5). */
import type { Installation } from '../../config/installation.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { TapeLabels } from '../../native.ts';
import type { OpenDrive } from '../drives/drive.ts';
import { progressOf } from '../drives/operation_progress.ts';
import { loadMedia } from '../load.ts';
import { forgetTape, withBookkeeping } from './register_tape.ts';

export interface EraseRequest {
  /** Only the mark of its end is moved to the beginning of the tape; true where not given. Else hours pass. */
  fast?: boolean | undefined;
  /** The tape with this bar code is loaded first, where the drive has a library. */
  barcode?: string | undefined;
  /** The label that the tape must have; else it is left as it is (S-141). */
  labelText?: string | undefined;
}

export async function eraseMedia(
  installation: Installation,
  drive: OpenDrive,
  { fast = true, barcode, labelText }: EraseRequest,
  log: WorkLog,
): Promise<void> {
  if (barcode !== undefined && drive.library) await loadMedia(drive, barcode, log);
  const labels = labelText === undefined ? await readLabelsOrNone(drive, log) : await requireLabel(drive, labelText);
  // A tape that is forgotten is in no job's way, so nothing stays locked for the hours that erasing may take.
  if (labels) await withBookkeeping(installation, labels, () => forgetTape(installation, labels));
  const notes = await drive.tape.format(fast, progressOf(log));
  // A virtual tape has no memory that could not be cleared.
  if (drive.config.type !== 'virtual') for (const note of notes) log.info(note);
}

async function requireLabel({ name, tape }: OpenDrive, labelText: string): Promise<TapeLabels> {
  const labels = await tape.readLabels();
  if (labels?.label.labelText === labelText) return labels;
  const found = labels ? `is '${labels.label.labelText}'` : 'is blank';
  throw new FerriteError(
    'operator',
    'I3',
    `the tape in drive '${name}' ${found}, not '${labelText}': it is left as it is`,
  );
}

/** Whatever lies on the tape, it is to go; a label only says what has to be forgotten. */
async function readLabelsOrNone(drive: OpenDrive, log: WorkLog): Promise<TapeLabels | undefined> {
  try {
    const labels = await drive.tape.readLabels();
    if (!labels) {
      log.info('found empty media - erase anyways');
      return undefined;
    }
    log.info(`found media '${labels.label.labelText}' with uuid '${labels.label.uuid}'`);
    return labels;
  } catch (error) {
    const failure = toFerriteError(error);
    if (failure.kind !== 'data') throw failure;
    log.info(`unable to read media label - erase anyways (${failure.message})`);
    return undefined;
  }
}
