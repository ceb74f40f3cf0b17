/** Enters a tape into the inventory by the labels that were read from it, or takes it out (behaviour.md 13.3, 13.5). */
import { rm } from 'node:fs/promises';
import type { Installation } from '../../config/installation.ts';
import { toFerriteError } from '../../errors.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { forgetTapeKey, recordTapeKey } from '../../media/key_records.ts';
import { lockBookkeeping } from '../../media/media_locks.ts';
import { setLabelOf } from '../../media/membership.ts';
import type { TapeLabels } from '../../native.ts';

/** Runs `work` while no job changes the pool or the media set of this tape. */
export async function withBookkeeping<T>(
  installation: Installation,
  labels: TapeLabels,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await lockBookkeeping(installation, labels);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** Stores the labels. A catalog that is about another media set than the tape is now in is removed. */
export async function registerTape(installation: Installation, labels: TapeLabels): Promise<void> {
  await removeForeignCatalog(installation, labels);
  await new InventoryFile(installation).update((inventory) => inventory.withTape(labels));
  await recordTapeKey(installation, labels);
}

/** Takes the tape out of the inventory, and its catalog with it. */
export async function forgetTape(installation: Installation, labels: TapeLabels): Promise<void> {
  await rm(installation.paths.catalogFile(labels.label.uuid), { force: true });
  await new InventoryFile(installation).update((inventory) => inventory.without(labels.label.uuid));
  await forgetTapeKey(installation, labels.label.uuid);
}

async function removeForeignCatalog(installation: Installation, labels: TapeLabels): Promise<void> {
  const path = installation.paths.catalogFile(labels.label.uuid);
  const set = setLabelOf(labels);
  if (set && (await isCatalogOf(path, labels.label.uuid, set.uuid))) return;
  await rm(path, { force: true });
}

/** A catalog that cannot be read is kept: it is about this tape as far as anyone knows, and `catalog --force` replaces it. */
async function isCatalogOf(path: string, mediaUuid: string, mediaSetUuid: string): Promise<boolean> {
  const { readCatalog } = await import('../../native.ts');
  try {
    const content = await readCatalog(path);
    return content.mediaUuid === mediaUuid && content.mediaSetUuid === mediaSetUuid;
  } catch (error) {
    return toFerriteError(error).kind === 'data';
  }
}
