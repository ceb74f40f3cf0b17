/** Work on one drive that runs as a task, with its log (behaviour.md section 19). */
import type { Installation } from '../config/installation.ts';
import {
  type DriveAccess,
  type OpenDrive,
  type ReservedDrive,
  withOpenDrive,
  withReservedDrive,
} from '../library/drive.ts';
import { eraseMedia } from '../library/erase.ts';
import { updateInventory } from '../library/inventory.ts';
import { checkLabelRequest, type LabelRequest, labelMedia } from '../library/label.ts';
import { ejectMedia, loadMedia, unloadMedia } from '../library/load.ts';
import type { TaskObserver, TaskOutcome, WorkLog } from '../log.ts';
import type { MediaLabel } from '../native.ts';
import { runTask, type TaskIdentity, type TaskSite } from './tasks/task.ts';

/** Where an installation's task logs go. */
export function taskSite(installation: Installation): TaskSite {
  return { taskLogDirectory: installation.paths.taskLogDir, clock: installation.clock };
}

/** Runs `work` as a task on a drive that is reserved already. */
export function runDriveTask<T>(
  installation: Installation,
  drive: ReservedDrive,
  access: DriveAccess,
  identity: TaskIdentity,
  observer: TaskObserver,
  work: (drive: OpenDrive, log: WorkLog, upid: string) => Promise<T>,
): Promise<TaskOutcome<T>> {
  return runTask(taskSite(installation), identity, observer, async (log, upid) => {
    await drive.reservation.setState(upid);
    return withOpenDrive(drive, access, log.signal, (open) => work(open, log, upid));
  });
}

/** Reserves a drive, and runs `work` on it as a task whose id is the drive's name and, if given, more. */
export function driveTask<T>(
  installation: Installation,
  access: DriveAccess,
  task: { type: string; about?: string },
  observer: TaskObserver,
  work: (drive: OpenDrive, log: WorkLog) => Promise<T>,
): Promise<TaskOutcome<T>> {
  return withReservedDrive(installation, access, observer.signal, (drive) => {
    const id = task.about === undefined ? drive.name : `${drive.name}:${task.about}`;
    return runDriveTask(installation, drive, access, { type: task.type, id }, observer, work);
  });
}

export function loadTask(
  installation: Installation,
  request: DriveAccess & { labelText: string },
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  const task = { type: 'load-media', about: request.labelText };
  return driveTask(installation, request, task, observer, (drive, log) => loadMedia(drive, request.labelText, log));
}

export function unloadTask(
  installation: Installation,
  request: DriveAccess,
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  return driveTask(installation, request, { type: 'unload-media' }, observer, unloadMedia);
}

export function ejectTask(
  installation: Installation,
  request: DriveAccess,
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  return driveTask(installation, request, { type: 'eject-media' }, observer, ejectMedia);
}

export function rewindTask(
  installation: Installation,
  request: DriveAccess,
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  return driveTask(installation, request, { type: 'rewind-media' }, observer, ({ tape }) => tape.rewind());
}

export function eraseTask(
  installation: Installation,
  request: DriveAccess & { fast?: boolean | undefined },
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  return driveTask(installation, request, { type: 'erase-media' }, observer, (drive, log) =>
    eraseMedia(installation, drive, request, log),
  );
}

/** Labels the blank tape in the drive. Known labels and unknown pools are refused before the drive is touched. */
export async function labelTask(
  installation: Installation,
  request: DriveAccess & LabelRequest,
  observer: TaskObserver,
): Promise<TaskOutcome<MediaLabel>> {
  await checkLabelRequest(installation, request);
  return driveTask(installation, request, { type: 'label-media' }, observer, (drive, log) =>
    labelMedia(installation, drive, request, log),
  );
}

/** Reads the labels of the tapes in the library: of those not known, or with `all` of every one. */
export function inventoryTask(
  installation: Installation,
  request: DriveAccess & { all: boolean },
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  return driveTask(installation, request, { type: 'inventory-update' }, observer, (drive, log) =>
    updateInventory(installation, drive, request, log),
  );
}
