/** What an operator tells about tapes: where they went, whether they can be used, that they are gone (behaviour.md 15.3, 15.4). */

import type { Installation } from '../../config/installation.ts';
import { listPools } from '../../config/pools.ts';
import { FerriteError } from '../../errors.ts';
import type { Inventory } from '../../media/inventory.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { listMediaSets as decideMediaSets, type MediaSetEntry } from '../../media/listing.ts';
import { parseLocation } from '../../media/location.ts';
import { lockBookkeeping } from '../../media/media_locks.ts';
import { setLabelOf } from '../../media/membership.ts';
import { type StorableStatus, storedStatus } from '../../media/status.ts';
import type { InventoryEntry } from '../../native.ts';

/** A tape by its label or, where several have the same, by its UUID. */
export interface MediaChoice {
  labelText?: string | undefined;
  uuid?: string | undefined;
}

function chosen(inventory: Inventory, { labelText, uuid }: MediaChoice): InventoryEntry {
  if (labelText !== undefined && uuid === undefined) return inventory.getByLabel(labelText);
  if (uuid !== undefined && labelText === undefined) return inventory.get(uuid);
  throw new FerriteError('usage', 'bad-parameter', 'name the tape by its label or by --uuid, one of the two');
}

/** Changes the entry of one tape, and gives it as it was before. */
async function changeTape(
  installation: Installation,
  choice: MediaChoice,
  change: (inventory: Inventory, tape: InventoryEntry) => Inventory,
): Promise<InventoryEntry> {
  let before: InventoryEntry | undefined;
  await new InventoryFile(installation).update((inventory) => {
    before = chosen(inventory, choice);
    return change(inventory, before);
  });
  return before as InventoryEntry;
}

/**
 * Says where a tape is now: in a vault, or without one on site. Gives notes for the user: a tape that its library still
 * shows is online again as soon as the library is asked.
 */
export async function moveMedia(
  installation: Installation,
  request: MediaChoice & { vault?: string | undefined },
): Promise<string[]> {
  const { vault } = request;
  const before = await changeTape(installation, request, (inventory, { label }) =>
    inventory.withLocation(label.uuid, vault === undefined ? { kind: 'offline' } : { kind: 'vault', vault }),
  );
  const location = parseLocation(before.location);
  if (location.kind !== 'online') return [];
  return [
    `tape '${before.label.labelText}' was in library '${location.changer}' when that was asked last: take it out, or it ` +
      'is online again when the library is asked next',
  ];
}

/**
 * Stores a status, or without one clears it: what follows from the media sets applies again. Gives the stored status as it
 * was before.
 */
export async function setMediaStatus(
  installation: Installation,
  request: MediaChoice & { status?: StorableStatus | undefined },
): Promise<StorableStatus | undefined> {
  const { status } = request;
  return storedStatus(
    await changeTape(installation, request, (inventory, { label }) => inventory.withStatus(label.uuid, status)),
  );
}

/**
 * Takes a tape out of the inventory. The tape and its catalog stay as they are: `read-label --inventorize` brings it back.
 * Refused while it belongs to a media set, unless forced.
 */
export async function destroyMedia(
  installation: Installation,
  request: MediaChoice & { force?: boolean | undefined },
): Promise<void> {
  const file = new InventoryFile(installation);
  const tape = chosen(await file.load(), request);
  const lock = await lockBookkeeping(installation, tape);
  try {
    await file.update((inventory) => {
      const entry = inventory.get(tape.label.uuid);
      const set = setLabelOf(entry);
      if (set && !request.force) throw hasData(entry.label.labelText, set.uuid, set.pool);
      return inventory.without(tape.label.uuid);
    });
  } finally {
    lock.release();
  }
}

function hasData(labelText: string, mediaSet: string, pool: string): FerriteError {
  return new FerriteError(
    'usage',
    'tape-has-data',
    `tape '${labelText}' belongs to media set ${mediaSet} of pool '${pool}', which is incomplete without it: ` +
      'use --force if it is lost or destroyed',
  );
}

/** All media sets that the inventory knows, by pool and start. */
export async function listMediaSets(
  installation: Installation,
  request: { pool?: string | undefined } = {},
): Promise<MediaSetEntry[]> {
  const { entries } = await new InventoryFile(installation).load();
  const templates = new Map((await listPools(installation)).map(({ name, template }) => [name, template]));
  return decideMediaSets(entries, templates, installation.zone).filter(
    ({ pool }) => request.pool === undefined || pool === request.pool,
  );
}
