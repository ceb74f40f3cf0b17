/** Writes the media label to a blank tape and enters it into the inventory (behaviour.md 13.1). */
import type { Installation } from '../config/installation.ts';
import { now } from '../config/installation.ts';
import { poolConfig } from '../config/pools.ts';
import { FerriteError } from '../errors.ts';
import type { WorkLog } from '../log.ts';
import { InventoryFile } from '../media/inventory_file.ts';
import type { MediaLabel, TapeLabels } from '../native.ts';
import type { OpenDrive } from './drive.ts';
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
  if (!(await drive.tape.isBlank())) {
    throw new FerriteError(
      'operator',
      'not-blank',
      `the tape in drive '${drive.name}' is not empty: erase it first ('proxmox-tape erase') if it holds nothing of worth`,
    );
  }
  const label: MediaLabel = {
    labelText: request.labelText,
    uuid: installation.uuid(),
    ctime: now(installation),
    ...(request.pool !== undefined && { pool: request.pool }),
  };
  log.info(
    request.pool
      ? `label tape '${label.labelText}' for pool '${request.pool}'`
      : `label tape '${label.labelText}' (no pool assignment)`,
  );
  await drive.tape.writeLabel(label);
  await withBookkeeping(installation, { label }, () => storeLabel(installation, { label }));
  await verifyLabel(drive, label);
  await drive.tape.rewind();
  return label;
}

async function storeLabel(installation: Installation, labels: TapeLabels): Promise<void> {
  const { createCatalog } = await import('../native.ts');
  const { owner, paths } = installation;
  await createCatalog(paths.catalogFile(labels.label.uuid), labels, ...(owner ? [owner] : []));
  await new InventoryFile(installation).update((inventory) => inventory.withTape(labels));
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
