/** Whether a tape can take data. Only `full`, `damaged` and `retired` are ever stored; the rest follows from the sets. */
import type { InventoryEntry } from '../native.ts';
import { type Location, parseLocation } from './location.ts';
import { lastMember, type MediaSet, setLabelOf } from './membership.ts';
import type { PoolState } from './pool_policy.ts';

export type MediaStatus = 'writable' | 'full' | 'damaged' | 'retired' | 'unknown';

export const STORABLE_STATUS = ['full', 'damaged', 'retired'] as const;
export type StorableStatus = (typeof STORABLE_STATUS)[number];

export function storedStatus(entry: InventoryEntry): StorableStatus | undefined {
  return STORABLE_STATUS.find((status) => status === entry.status);
}

/** Seen from a pool with its current set. `pool` undefined: seen from the tapes without pool. */
export function mediaStatus(entry: InventoryEntry, pool: string | undefined, currentSet: MediaSet): MediaStatus {
  const stored = storedStatus(entry);
  if (stored) return stored;
  if (entry.mediaSetLabel && entry.mediaSetLabel.pool !== pool) return 'unknown';
  const label = setLabelOf(entry);
  if (!label) return 'writable';
  if (label.uuid !== currentSet.uuid) return 'full';
  return lastMember(currentSet) === entry.label.uuid ? 'writable' : 'full';
}

/** What tables show instead of the status. */
export function shownStatus(status: MediaStatus, isExpired: boolean): string {
  return isExpired && status !== 'damaged' && status !== 'retired' ? 'expired' : status;
}

/** Status and place of a tape by its UUID, also of one that the inventory does not know. */
export function describeTape(state: PoolState, uuid: string): { status: MediaStatus; location: Location } {
  const entry = state.entries.find(({ label }) => label.uuid === uuid);
  const location = parseLocation(entry?.location);
  return { status: entry ? mediaStatus(entry, state.pool.name, state.set) : 'unknown', location };
}
