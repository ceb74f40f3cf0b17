/** Debugging: `eod` moves to the end of data. */
import type { Installation } from '../../config/installation.ts';
import { type DriveAccess, withDrive } from '../drives/drive.ts';

/** Moves to the end of data; resolves with the number of files before it. */
export function moveToEndOfData(installation: Installation, access: DriveAccess): Promise<number> {
  return withDrive(installation, access, 'move to end of data', ({ tape }) => tape.endOfData());
}
