/** The tapes of a media set go to where a person can take them out, at the end of a job (behaviour.md 10.6). */
import { toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { DriveLibrary } from './drive_library.ts';

export interface ExportedTape {
  readonly labelText: string;
  /** Import/export slot. */
  readonly slot: number;
}

/** A tape that is not at hand is a warning; without a free slot the rest cannot be exported either. */
export async function exportTapes(
  library: DriveLibrary,
  labelTexts: readonly string[],
  log: WorkLog,
): Promise<ExportedTape[]> {
  library.tell(log);
  const exported: ExportedTape[] = [];
  for (const labelText of labelTexts) {
    log.signal.throwIfAborted();
    try {
      const slot = await library.exportTape(labelText);
      log.info(`exported tape '${labelText}' to import/export slot ${slot}`);
      exported.push({ labelText, slot });
    } catch (error) {
      const failure = toFerriteError(error);
      if (failure.code !== 'not-online') throw failure;
      log.warn(`cannot export: ${failure.message}`);
    }
  }
  return exported;
}
