/**
 * What programs import. Every command's work is a function here: it takes an installation and plain parameters, and gives
 * plain values back. Long work takes an observer for its log lines, progress and abort, and gives the outcome of its task.
 */

export { changerConfig, chooseChanger, listChangers, removeChanger } from './config/changers.ts';
export { datastoreConfig, listDatastores, removeDatastore } from './config/datastores.ts';
export { changerOf, chooseDrive, driveConfig, listDrives, removeDrive } from './config/drives.ts';
export {
  type Installation,
  type InstallationOptions,
  openInstallation,
  type Variables,
} from './config/installation.ts';
export {
  createTarget as createNotificationTarget,
  listAddresses as listMailAddresses,
  listTargets as listNotificationTargets,
  removeTarget as removeNotificationTarget,
  secretPrompt as notificationSecretPrompt,
  setAddress as setMailAddress,
  setTargetSecret as setNotificationSecret,
  targetConfig as notificationTarget,
  updateTarget as updateNotificationTarget,
} from './config/notify.ts';
export * from './config/pools.ts';
export { type ErrorKind, FerriteError, toFerriteError } from './errors.ts';
export { type BackupParameters, backup } from './jobs/backup/backup.ts';
export * from './jobs/backup/configured_jobs.ts';
export type { BackupRules, BackupSummary, UsedTape } from './jobs/backup/run.ts';
export { type CatalogImpact, catalogImpact, type ImpactRequest } from './jobs/catalog/impact.ts';
export * from './jobs/catalog/questions.ts';
export { type CatalogParameters, type CatalogSummary, restoreCatalog } from './jobs/catalog/restore.ts';
export { createDatastore, type NewDatastore } from './jobs/datastore/datastores.ts';
export { archiveContents, type ContentsRequest } from './jobs/datastore/snapshot_contents.ts';
export * from './jobs/datastore/snapshots.ts';
export {
  barcodeLabelTask as labelByBarcode,
  cleanTask as cleanDrive,
  ejectTask as ejectMedia,
  eraseTask as eraseMedia,
  inventoryTask as updateInventory,
  labelTask as labelMedia,
  loadTask as loadMedia,
  rewindTask as rewindMedia,
  unloadTask as unloadMedia,
} from './jobs/drive_tasks.ts';
export {
  checkKey,
  findKeyToCheck,
  type KeyCheck,
  type KeyCheckSubjects,
  readTapeKey,
  restoreKey,
  type TapeKeyConfig,
} from './jobs/keys.ts';
export * from './jobs/media/changes.ts';
export * from './jobs/media/listing.ts';
export { testTarget as testNotificationTarget } from './jobs/notify/test_target.ts';
export { type CatalogPageRequest, type CatalogPageSummary, catalogPage } from './jobs/pages/catalog_page.ts';
export * from './jobs/pages/key_page.ts';
export * from './jobs/plan/backup_plan.ts';
export * from './jobs/plan/restore_plan.ts';
export { type RestoreList, readRestoreList, snapshotsOfList } from './jobs/restore/list.ts';
export { type RestoreParameters, restore } from './jobs/restore/restore.ts';
export type { RestoreSummary } from './jobs/restore/summary.ts';
export { scanTape } from './jobs/scan_tape.ts';
export { type DaemonOptions, type DaemonState, runDaemon } from './jobs/schedule/daemon.ts';
export { type ScheduledRun, upcomingRuns, upcomingTimes } from './jobs/schedule/next_runs.ts';
export { scheduledJobs } from './jobs/schedule/scheduled_job.ts';
export type { RunJob, ScheduleLog } from './jobs/schedule/scheduler.ts';
export { systemdNotices } from './jobs/schedule/service_manager.ts';
export * from './keys/key_hints.ts';
export * from './keys/key_status.ts';
export * from './keys/keys.ts';
export { type BarcodeSheetRequest, barcodeSheet } from './labels/barcode_sheet.ts';
export { printStatus as printChangerStatus } from './library/changers/changer_cache.ts';
export { controlChanger, unloadDrive } from './library/changers/changer_control.ts';
export { type ChangerStatusRequest, changerStatus, transferMedia } from './library/changers/changer_status.ts';
export type { ElementEntry } from './library/changers/elements.ts';
export {
  exportMediaCall as exportMedia,
  loadFromSlotCall as loadMediaFromSlot,
} from './library/changers/slot_calls.ts';
export * from './library/device_config.ts';
export * from './library/devices.ts';
export { cartridgeMemory, volumeStatistics } from './library/drives/diagnosis.ts';
export * from './library/drives/driver_options.ts';
export * from './library/drives/status.ts';
export { controlTape } from './library/drives/tape_control.ts';
export * from './library/emulated_library.ts';
export { moveToEndOfData } from './library/tapes/end_of_data.ts';
export { type LibraryTape, listTapes } from './library/tapes/inventory.ts';
export * from './library/tapes/read_label.ts';
export type { ProgressEvent, TaskObserver, TaskOutcome, WorkLog } from './log.ts';
export type { KeyInfo, Password, WrappedKey } from './native.ts';
