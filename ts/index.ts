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
export * from './config/pools.ts';
export { type ErrorKind, FerriteError, toFerriteError } from './errors.ts';
export { type BackupParameters, backup } from './jobs/backup.ts';
export * from './jobs/backup_jobs.ts';
export type { BackupRules, BackupSummary, UsedTape } from './jobs/backup_run.ts';
export { type CatalogImpact, catalogImpact, type ImpactRequest } from './jobs/catalog_impact.ts';
export { type CatalogPageRequest, type CatalogPageSummary, catalogPage } from './jobs/catalog_page.ts';
export * from './jobs/catalog_questions.ts';
export { type CatalogParameters, type CatalogSummary, restoreCatalog } from './jobs/catalog_restore.ts';
export { createDatastore, type NewDatastore } from './jobs/datastores.ts';
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
export * from './jobs/key_page.ts';
export {
  checkKey,
  findKeyToCheck,
  type KeyCheck,
  type KeyCheckSubjects,
  readTapeKey,
  restoreKey,
  type TapeKeyConfig,
} from './jobs/keys.ts';
export * from './jobs/media.ts';
export * from './jobs/media_changes.ts';
export * from './jobs/plan/backup_plan.ts';
export * from './jobs/plan/restore_plan.ts';
export { type RestoreParameters, restore } from './jobs/restore.ts';
export { type RestoreList, readRestoreList } from './jobs/restore_list.ts';
export type { RestoreSummary } from './jobs/restore_summary.ts';
export { scanTape } from './jobs/scan_tape.ts';
export { archiveContents, type ContentsRequest } from './jobs/snapshot_contents.ts';
export * from './jobs/snapshots.ts';
export * from './keys/key_status.ts';
export * from './keys/keys.ts';
export { type BarcodeSheetRequest, barcodeSheet } from './labels/barcode_sheet.ts';
export { type ChangerStatusRequest, changerStatus, transferMedia } from './library/changer_status.ts';
export * from './library/device_config.ts';
export * from './library/devices.ts';
export { cartridgeMemory, volumeStatistics } from './library/diagnosis.ts';
export type { ElementEntry } from './library/elements.ts';
export { moveToEndOfData } from './library/end_of_data.ts';
export { type LibraryTape, listTapes } from './library/inventory.ts';
export * from './library/read_label.ts';
export { exportMediaCall as exportMedia, loadFromSlotCall as loadMediaFromSlot } from './library/slot_calls.ts';
export * from './library/status.ts';
export type { ProgressEvent, TaskObserver, TaskOutcome, WorkLog } from './log.ts';
export type { KeyInfo, Password, WrappedKey } from './native.ts';
