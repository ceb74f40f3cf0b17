/** What `status` tells of a drive (cli.md 4.7). Works without a tape. */
import type { Installation } from '../../config/installation.ts';
import type { DriveStatus } from '../../native.ts';
import { type DriveAccess, withDrive } from './drive.ts';

/** The status with the flags and options of the tape driver as text, where the drive is opened by the driver's node. */
export interface DriveReport extends Omit<DriveStatus, 'driverFlags' | 'driverOptions'> {
  status?: string;
  options?: string;
}

export function driveStatus(installation: Installation, access: DriveAccess): Promise<DriveReport> {
  return withDrive(installation, access, 'drive status', async ({ tape }) => driveReport(await tape.status()));
}

export function driveReport({ driverFlags, driverOptions, ...status }: DriveStatus): DriveReport {
  return {
    ...status,
    ...(driverFlags && { status: driverFlags.join(' | ') }),
    ...(driverOptions && { options: driverOptions.join(' | ') }),
  };
}
