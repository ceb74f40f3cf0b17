/** Whether a tape can take data. Only `full`, `damaged` and `retired` are ever stored; the rest follows from the sets. */
import type { InventoryEntry } from '../native.ts';
import { lastMember, type MediaSet, setLabelOf } from './membership.ts';

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
