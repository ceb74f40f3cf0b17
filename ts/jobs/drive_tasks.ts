/** Work on one drive that runs as a task, with its log (behaviour.md section 19). */
import type { Installation } from '../config/installation.ts';
import { poolConfig } from '../config/pools.ts';
import {
  type DriveAccess,
  type OpenDrive,
  type ReservedDrive,
  withOpenDrive,
  withReservedDrive,
} from '../library/drives/drive.ts';
import { progressOf } from '../library/drives/operation_progress.ts';
import { cleanDrive, ejectMedia, loadMedia, unloadMedia } from '../library/load.ts';
import { labelByBarcode } from '../library/tapes/barcode_label.ts';
import { type EraseRequest, eraseMedia } from '../library/tapes/erase.ts';
import { updateInventory } from '../library/tapes/inventory.ts';
import { checkLabelRequest, type LabelRequest, labelMedia } from '../library/tapes/label.ts';
import type { TaskObserver, TaskOutcome, WorkLog } from '../log.ts';
import type { MediaLabel, TapeLabels } from '../native.ts';
import { runTask, type TaskIdentity, type TaskSite } from './tasks/task.ts';

/** Where an installation's task logs go. */
export function taskSite(installation: Installation): TaskSite {
  return { taskLogDirectory: installation.paths.taskLogDir, clock: installation.clock };
}

/** Runs `work` as a task on a drive that is reserved already. */
export function runDriveTask<T>(
  installation: Installation,
  drive: ReservedDrive,
  identity: TaskIdentity,
  observer: TaskObserver,
  work: (drive: OpenDrive, log: WorkLog, upid: string) => Promise<T>,
): Promise<TaskOutcome<T>> {
  return runReservedTask(installation, drive, identity, observer, (log, upid) =>
    withOpenDrive(drive, log.signal, (open) => work(open, log, upid)),
  );
}

function runReservedTask<T>(
  installation: Installation,
  drive: ReservedDrive,
  identity: TaskIdentity,
  observer: TaskObserver,
  work: (log: WorkLog, upid: string) => Promise<T>,
): Promise<TaskOutcome<T>> {
  return runTask(taskSite(installation), identity, observer, async (log, upid) => {
    await drive.reservation.setState(upid);
    return work(log, upid);
  });
}

interface DriveTask {
  type: string;
  /** Follows the name of the drive in the id of the task. */
  about?: string;
}

const idOf = (drive: ReservedDrive, { about }: DriveTask): string =>
  about === undefined ? drive.name : `${drive.name}:${about}`;

/** Reserves a drive, opens it, and runs `work` on it as a task. */
export function driveTask<T>(
  installation: Installation,
  access: DriveAccess,
  task: DriveTask,
  observer: TaskObserver,
  work: (drive: OpenDrive, log: WorkLog) => Promise<T>,
): Promise<TaskOutcome<T>> {
  return libraryTask(installation, access, task, observer, (drive, log) =>
    withOpenDrive(drive, log.signal, (open) => work(open, log)),
  );
}

/** As `driveTask`, for the robot's work: the drive is opened only if it is to be asked something. */
export function libraryTask<T>(
  installation: Installation,
  access: DriveAccess,
  task: DriveTask,
  observer: TaskObserver,
  work: (drive: ReservedDrive, log: WorkLog) => Promise<T>,
): Promise<TaskOutcome<T>> {
  return withReservedDrive(installation, access, observer.signal, (drive) =>
    runReservedTask(installation, drive, { type: task.type, id: idOf(drive, task) }, observer, (log) =>
      work(drive, log),
    ),
  );
}

export function loadTask(
  installation: Installation,
  request: DriveAccess & { labelText: string },
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  const task = { type: 'load-media', about: request.labelText };
  return libraryTask(installation, request, task, observer, (drive, log) => loadMedia(drive, request.labelText, log));
}

export function unloadTask(
  installation: Installation,
  request: DriveAccess & { targetSlot?: number | undefined },
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  return libraryTask(installation, request, { type: 'unload-media' }, observer, (drive, log) =>
    unloadMedia(drive, log, request.targetSlot),
  );
}

export function ejectTask(
  installation: Installation,
  request: DriveAccess,
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  return libraryTask(installation, request, { type: 'eject-media' }, observer, ejectMedia);
}

export function rewindTask(
  installation: Installation,
  request: DriveAccess,
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  return driveTask(installation, request, { type: 'rewind-media' }, observer, ({ tape }, log) =>
    tape.rewind(progressOf(log)),
  );
}

export function eraseTask(
  installation: Installation,
  request: DriveAccess & EraseRequest,
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

/** Labels every blank tape of the library with its bar code. An unknown pool is refused before the drive is touched. */
export async function barcodeLabelTask(
  installation: Installation,
  request: DriveAccess & { pool?: string | undefined },
  observer: TaskObserver,
): Promise<TaskOutcome<string[]>> {
  if (request.pool !== undefined) await poolConfig(installation, request.pool);
  return driveTask(installation, request, { type: 'barcode-label-media' }, observer, (drive, log) =>
    labelByBarcode(installation, drive, request, log),
  );
}

/** Reads the labels of the tapes in the library: of those not known, or with `all` of every one. */
export function inventoryTask(
  installation: Installation,
  request: DriveAccess & {
    all: boolean;
    /** Also of tapes whose catalog is missing; catalogs come back from the copies on the tapes. */
    catalog?: boolean | undefined;
  },
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  const { all, catalog } = request;
  return driveTask(installation, request, { type: 'inventory-update' }, observer, async (drive, log) => {
    const { restoreCatalogCopies } = await import('./catalog/restore.ts');
    const restoreCatalogs = catalog
      ? (open: OpenDrive, labels: TapeLabels) => restoreCatalogCopies(installation, open, labels, log)
      : undefined;
    await updateInventory(installation, drive, { all, restoreCatalogs }, log);
  });
}

export function cleanTask(
  installation: Installation,
  request: DriveAccess,
  observer: TaskObserver,
): Promise<TaskOutcome<void>> {
  return libraryTask(installation, request, { type: 'clean-drive' }, observer, cleanDrive);
}
