/** Erases the tape in a drive and forgets it (behaviour.md 13.5). */
import type { Installation } from '../../config/installation.ts';
import { toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { TapeLabels } from '../../native.ts';
import type { OpenDrive } from '../drives/drive.ts';
import { progressOf } from '../drives/operation_progress.ts';
import { forgetTape, withBookkeeping } from './register_tape.ts';

export async function eraseMedia(
  installation: Installation,
  drive: OpenDrive,
  request: { fast?: boolean | undefined },
  log: WorkLog,
): Promise<void> {
  const labels = await readLabelsOrNone(drive, log);
  // A tape that is forgotten is in no job's way, so nothing stays locked for the hours that erasing may take.
  if (labels) await withBookkeeping(installation, labels, () => forgetTape(installation, labels));
  const notes = await drive.tape.format(request.fast ?? true, progressOf(log));
  // A virtual tape has no memory that could not be cleared.
  if (drive.config.type !== 'virtual') for (const note of notes) log.info(note);
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
