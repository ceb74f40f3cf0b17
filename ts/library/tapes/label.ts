/** Writes the media label to a blank tape and enters it into the inventory (behaviour.md 13.1). */
import type { Installation } from '../../config/installation.ts';
import { now } from '../../config/installation.ts';
import { poolConfig } from '../../config/pools.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import type { MediaLabel, TapeLabels } from '../../native.ts';
import type { OpenDrive } from '../drives/drive.ts';
import { withBookkeeping } from './register_tape.ts';

export interface LabelRequest {
  labelText: string;
  /** Reserve the tape for this pool; any pool may take it where not given. */
  pool?: string | undefined;
}

/** Refuses what can be known before a drive is touched. */
export async function checkLabelRequest(installation: Installation, request: LabelRequest): Promise<void> {
  if (request.pool !== undefined) await poolConfig(installation, request.pool);
  const inventory = await new InventoryFile(installation).load();
  const known = inventory.entries.find((entry) => entry.label.labelText === request.labelText);
  if (!known) return;
  throw new FerriteError(
    'usage',
    'label-exists',
    `tape '${request.labelText}' is in the inventory already (${known.label.uuid}): choose another label, ` +
      "or forget that tape with 'proxmox-tape media destroy'",
  );
}

export async function labelMedia(
  installation: Installation,
  drive: OpenDrive,
  request: LabelRequest,
  log: WorkLog,
): Promise<MediaLabel> {
  const isBlank = await drive.tape.isBlank();
  const label = isBlank ? newLabel(installation, request) : await interruptedLabel(installation, drive, request);
  const purpose = request.pool ? `for pool '${request.pool}'` : '(no pool assignment)';
  log.info(isBlank ? `label tape '${label.labelText}' ${purpose}` : `tape '${label.labelText}' has its label already`);
  if (isBlank) await drive.tape.writeLabel(label);
  await withBookkeeping(installation, { label }, () => storeLabel(installation, { label }));
  await verifyLabel(drive, label);
  await drive.tape.rewind();
  await writeCartridgeMemory(drive, label, log);
  return label;
}

function newLabel(installation: Installation, request: LabelRequest): MediaLabel {
  return {
    labelText: request.labelText,
    uuid: installation.uuid(),
    ctime: now(installation),
    ...(request.pool !== undefined && { pool: request.pool }),
  };
}

/**
 * The label on the tape, if it is just the one asked for, alone, and not in the inventory: whoever wrote it was stopped
 * before entering it. Any other tape has to be erased first, by a person who knows that nothing of worth is on it.
 */
async function interruptedLabel(
  installation: Installation,
  drive: OpenDrive,
  request: LabelRequest,
): Promise<MediaLabel> {
  const labels = await drive.tape.readLabels().catch((error) => {
    if (toFerriteError(error).kind === 'data') return null; // foreign or damaged
    throw error;
  });
  const inventory = await new InventoryFile(installation).load();
  const isInterrupted =
    labels?.label.labelText === request.labelText &&
    labels.label.pool === request.pool &&
    !inventory.find(labels.label.uuid) &&
    (await drive.tape.endOfData()) === 1;
  if (labels && isInterrupted) return labels.label;
  const what = labels ? `is not empty (it is labelled '${labels.label.labelText}')` : 'is not empty';
  throw new FerriteError(
    'operator',
    'not-blank',
    `the tape in drive '${drive.name}' ${what}: erase it first ('proxmox-tape erase') if it holds nothing of worth`,
  );
}

async function storeLabel(installation: Installation, labels: TapeLabels): Promise<void> {
  const { createCatalog } = await import('../../native.ts');
  const { owner, paths } = installation;
  await createCatalog(paths.catalogFile(labels.label.uuid), labels, ...(owner ? [owner] : []));
  await new InventoryFile(installation).update((inventory) => inventory.withTape(labels));
}

/** For other programs, and for people with a reader: nothing depends on it, so what does not work is no warning. */
async function writeCartridgeMemory(drive: OpenDrive, { labelText, pool }: MediaLabel, log: WorkLog): Promise<void> {
  if (drive.config.type === 'virtual') return;
  const notes = await drive.tape.writeAttributes({ labelText, ...(pool !== undefined && { pool }) });
  for (const note of notes) log.info(note);
}

/** A label that cannot be read back is worth nothing. */
async function verifyLabel(drive: OpenDrive, label: MediaLabel): Promise<void> {
  const found = await drive.tape.readLabels();
  if (found?.label.uuid === label.uuid && found.label.pool === label.pool) return;
  const what = found ? `tape '${found.label.labelText}' (${found.label.uuid})` : 'nothing';
  throw new FerriteError(
    'data',
    'label-lost',
    `read back ${what} after labelling '${label.labelText}' (${label.uuid}) in drive '${drive.name}': the tape or the drive is bad`,
  );
}
