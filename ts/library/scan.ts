/** Debugging: `eod` moves to the end of data, `scan` tells what lies on the tape, file by file (cli.md 4.8). */
import type { Installation } from '../config/installation.ts';
import type { ScannedFile } from '../native.ts';
import { type DriveAccess, withDrive } from './drive.ts';

/** Moves to the end of data; resolves with the number of files before it. */
export function moveToEndOfData(installation: Installation, access: DriveAccess): Promise<number> {
  return withDrive(installation, access, 'move to end of data', ({ tape }) => tape.endOfData());
}

/** Rewinds and reads the tape; `onFile` is called for each tape file in order. */
export function scanTape(
  installation: Installation,
  access: DriveAccess,
  onFile: (file: ScannedFile) => void,
): Promise<void> {
  return withDrive(installation, access, 'scan tape', async ({ tape }) => {
    await tape.rewind();
    await tape.scanFiles((event) => {
      if (event.file) onFile(event.file);
    });
  });
}
