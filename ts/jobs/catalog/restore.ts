/** The catalog of the tape in a drive, from copies on the tape or from all of its archives (behaviour.md section 14). */
import { access, rm } from 'node:fs/promises';
import type { Installation } from '../../config/installation.ts';
import { FerriteError } from '../../errors.ts';
import { type DriveAccess, type OpenDrive, onTape } from '../../library/drives/drive.ts';
import { requireLabels } from '../../library/tapes/read_label.ts';
import { registerTape, withBookkeeping } from '../../library/tapes/register_tape.ts';
import type { TaskObserver, TaskOutcome, WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { withMediaSet } from '../../media/media_locks.ts';
import { collectSet, setLabelOf } from '../../media/membership.ts';
import type { DriveEvent, TapeLabels } from '../../native.ts';
import { driveTask } from '../drive_tasks.ts';
import { prepareToRead } from '../tape_encryption.ts';

export interface CatalogParameters extends DriveAccess {
  /** Replace the catalog that is there. */
  force?: boolean | undefined;
  /** Read the whole tape instead of taking a copy of the catalog from it. */
  scan?: boolean | undefined;
  /** One log line for every chunk. */
  verbose?: boolean | undefined;
  /** List the files of its snapshots as well, for `catalog search` and the like. */
  files?: boolean | undefined;
}

export interface CatalogSummary {
  labelText: string;
  /** `none`: the tape is in no set and has no catalog. `kept`: it was there, and only files were to be listed. */
  source: 'copy' | 'scan' | 'none' | 'kept';
  /** Media UUIDs of tapes whose catalogs were restored. */
  restored: string[];
  /** Snapshots whose files are known now and were not before. */
  listed?: number;
}

export function restoreCatalog(
  installation: Installation,
  parameters: CatalogParameters,
  observer: TaskObserver,
): Promise<TaskOutcome<CatalogSummary>> {
  return driveTask(installation, parameters, { type: 'catalog-media' }, observer, async (drive, log) => {
    const labels = await requireLabels(drive);
    log.info(`found media label '${labels.label.labelText}' (${labels.label.uuid})`);
    await withBookkeeping(installation, labels, () => registerTape(installation, labels));
    const set = setLabelOf(labels);
    if (!set) return withoutCatalog(installation, labels, log);
    // Reading a tape takes hours. No job goes on with the set meanwhile; the pool's other sets are free.
    return withMediaSet(installation, set.uuid, async () => {
      const summary = await restoreFromTape(installation, drive, labels, parameters, log);
      if (!parameters.files) return summary;
      const { gatherFileLists } = await import('./tape_file_lists.ts');
      return { ...summary, listed: await gatherFileLists(installation, drive, labels, log) };
    });
  });
}

async function withoutCatalog(
  installation: Installation,
  { label }: TapeLabels,
  log: WorkLog,
): Promise<CatalogSummary> {
  log.info(`tape '${label.labelText}' belongs to no media set: it has no catalog`);
  await rm(installation.paths.catalogFile(label.uuid), { force: true });
  return { labelText: label.labelText, source: 'none', restored: [] };
}

async function restoreFromTape(
  installation: Installation,
  drive: OpenDrive,
  labels: TapeLabels,
  parameters: CatalogParameters,
  log: WorkLog,
): Promise<CatalogSummary> {
  const { labelText, uuid } = labels.label;
  const catalogPath = installation.paths.catalogFile(uuid);
  if (!parameters.force && (await exists(catalogPath))) {
    if (parameters.files && !parameters.scan) return { labelText, source: 'kept', restored: [] };
    throw new FerriteError(
      'usage',
      'K4',
      `tape '${labelText}' has a catalog already (${catalogPath}): use --force to replace it`,
    );
  }
  await prepareToRead(installation, drive, labels, log);
  if (!parameters.scan) {
    const restored = await restoreCopies(installation, drive, labels, log);
    if (restored) return { labelText, source: 'copy', restored };
    log.info(`no copy of the catalog of tape '${labelText}' is on it: reading the whole tape`);
  }
  await scan(installation, drive, labels, catalogPath, parameters, log);
  return { labelText, source: 'scan', restored: [uuid] };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Brings back the catalogs of a media set that are on the tape in the drive, and says which; for `inventory --catalog`. */
export async function restoreCatalogCopies(
  installation: Installation,
  drive: OpenDrive,
  labels: TapeLabels,
  log: WorkLog,
): Promise<void> {
  const { labelText } = labels.label;
  if (await restoreCopies(installation, drive, labels, log)) return;
  log.warn(`no copy of the catalog of tape '${labelText}' is on it: 'proxmox-tape catalog' reads the whole tape`);
}

/** Undefined: the loaded tape's own catalog was not among the copies. */
async function restoreCopies(
  installation: Installation,
  drive: OpenDrive,
  labels: TapeLabels,
  log: WorkLog,
): Promise<string[] | undefined> {
  const { entries } = await new InventoryFile(installation).load();
  const set = collectSet(entries, setLabelOf(labels)?.uuid ?? '');
  const plan = {
    labels,
    members: [...set.members.values()],
    statusDir: installation.paths.statusDir,
    ...(installation.owner && { owner: installation.owner }),
  };
  const copies = drive.tape.restoreCatalogs(plan, (event) => onEvent(event, log));
  const outcome = await onTape(labels.label.labelText, copies);
  for (const { fileNumber, reason } of outcome.skipped) log.info(`file ${fileNumber}: skip catalog: ${reason}`);
  for (const uuid of outcome.restored) log.info(`restored catalog of media ${uuid}`);
  return outcome.ownRestored ? outcome.restored : undefined;
}

async function scan(
  installation: Installation,
  drive: OpenDrive,
  labels: TapeLabels,
  catalogPath: string,
  parameters: CatalogParameters,
  log: WorkLog,
): Promise<void> {
  const plan = {
    labels,
    catalogPath,
    verbose: parameters.verbose ?? false,
    ...(installation.owner && { owner: installation.owner }),
  };
  const content = await onTape(
    labels.label.labelText,
    drive.tape.scanCatalog(plan, (event) => onEvent(event, log)),
  );
  log.info(`found ${content.snapshots.length} snapshots and ${content.archives.length} chunk archives`);
}

function onEvent(event: DriveEvent, log: WorkLog): void {
  switch (event.kind) {
    case 'chunk':
      log.info(`found chunk: ${event.digest}`);
      break;
    case 'chunk-archive':
      log.info(`file ${event.fileNumber}: ${event.chunks} chunks of store ${event.store}`);
      break;
    case 'snapshot-archive':
      log.info(`file ${event.fileNumber}: snapshot ${event.store}:${event.snapshot}`);
      break;
    case 'warning':
      log.warn(event.message ?? '');
      break;
    case 'progress':
      log.progress({ activity: `file ${event.fileNumber ?? 0}`, doneBytes: event.bytes ?? 0 });
      break;
  }
}
