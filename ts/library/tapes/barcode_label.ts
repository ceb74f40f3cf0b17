/** Labels every blank tape of a library with its bar code (behaviour.md 13.2). The last one stays in the drive. */
import type { Installation } from '../../config/installation.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import { isCleaningLabel } from '../changers/elements.ts';
import { type OpenDrive, requireLibrary } from '../drives/drive.ts';
import { updateOnlineStatus } from '../online_status.ts';
import { labelMedia } from './label.ts';

/** Resolves with the labels that were written. */
export async function labelByBarcode(
  installation: Installation,
  drive: OpenDrive,
  request: { pool?: string | undefined },
  log: WorkLog,
): Promise<string[]> {
  const library = requireLibrary(drive, log);
  const inventory = await updateOnlineStatus(installation, drive, log);
  const labels = await library.onlineLabels();
  if (labels.length === 0) {
    const message = `changer '${library.name}' reports no tape with a readable bar code`;
    throw new FerriteError('operator', 'no-barcodes', message);
  }
  const known = new Set(inventory.entries.map((entry) => entry.label.labelText));
  const written: string[] = [];
  for (const labelText of labels) {
    log.signal.throwIfAborted();
    if (isCleaningLabel(labelText)) continue;
    if (known.has(labelText)) {
      log.info(`inventory already contains label '${labelText}'`);
    } else if (await isBlank(drive, labelText, log)) {
      await labelMedia(installation, drive, { ...request, labelText }, log);
      written.push(labelText);
    }
  }
  // The tapes that are known now are online.
  await updateOnlineStatus(installation, drive, log);
  return written;
}

/** What is wrong with one tape stays a warning: the others are still to be labelled. */
async function isBlank(drive: OpenDrive, labelText: string, log: WorkLog): Promise<boolean> {
  try {
    await requireLibrary(drive, log).load(labelText);
    if (await drive.tape.isBlank()) return true;
    log.info(`media '${labelText}' is not empty (erase it first)`);
  } catch (error) {
    const failure = toFerriteError(error);
    if (failure.kind === 'aborted' || failure.code === 'device-gone') throw failure;
    log.warn(`unable to label tape '${labelText}': ${failure.message}`);
  }
  return false;
}
