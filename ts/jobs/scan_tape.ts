/** Debugging: `scan` tells what lies on the tape, file by file (cli.md 4.8). */
import type { Installation } from '../config/installation.ts';
import { toFerriteError } from '../errors.ts';
import { type DriveAccess, type OpenDrive, withDrive } from '../library/drives/drive.ts';
import type { ScannedFile } from '../native.ts';
import { prepareToRead } from './tape_encryption.ts';

/** Rewinds and reads the tape; `onFile` is called for each tape file in order. Without its key the labels can be read. */
export function scanTape(
  installation: Installation,
  access: DriveAccess,
  onFile: (file: ScannedFile) => void,
  warn: (message: string) => void = () => {},
): Promise<void> {
  return withDrive(installation, access, 'scan tape', async (drive) => {
    await prepareIfPossible(installation, drive, warn);
    await drive.tape.rewind();
    await drive.tape.scanFiles((event) => {
      if (event.file) onFile(event.file);
    });
  });
}

async function prepareIfPossible(
  installation: Installation,
  drive: OpenDrive,
  warn: (message: string) => void,
): Promise<void> {
  try {
    const labels = await drive.tape.readLabels();
    if (labels) await prepareToRead(installation, drive, labels, { info: () => {} });
  } catch (error) {
    const { kind, code, message } = toFerriteError(error);
    // A tape of another program, or a damaged one, is what one scans.
    if (code === 'key-missing') warn(message);
    else if (kind !== 'data') throw error;
  }
}
