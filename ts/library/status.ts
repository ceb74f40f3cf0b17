/** What `status` tells of a drive (cli.md 4.7). Works without a tape. */
import type { Installation } from '../config/installation.ts';
import type { DriveStatus } from '../native.ts';
import { type DriveAccess, withDrive } from './drive.ts';

export function driveStatus(installation: Installation, access: DriveAccess): Promise<DriveStatus> {
  return withDrive(installation, access, 'drive status', ({ tape }) => tape.status());
}
