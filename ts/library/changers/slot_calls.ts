/** Movements that are no tasks: `load-media-from-slot` and `export-media` reserve the drive and wait for the robot. */
import type { Installation } from '../../config/installation.ts';
import type { WorkLog } from '../../log.ts';
import { type DriveAccess, withDriveState } from '../drives/drive.ts';
import { exportMedia, loadMediaFromSlot } from '../load.ts';

export function loadFromSlotCall(
  installation: Installation,
  request: DriveAccess & { slot: number },
  log?: WorkLog,
): Promise<void> {
  const state = `loading tape from slot ${request.slot}`;
  return withDriveState(installation, request, state, (drive) => loadMediaFromSlot(drive, request.slot, log));
}

/** Resolves with the number of the import/export slot. */
export function exportMediaCall(
  installation: Installation,
  request: DriveAccess & { labelText: string },
  log?: WorkLog,
): Promise<number> {
  const state = `exporting tape '${request.labelText}'`;
  return withDriveState(installation, request, state, (drive) => exportMedia(drive, request.labelText, log));
}
