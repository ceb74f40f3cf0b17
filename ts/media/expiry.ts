/** When a tape's data is no longer protected (spec/behaviour.md 6, D2). */

import type { InventoryEntry, MediaSetLabel } from '../native.ts';
import { nextEvent } from '../time/calendar_event.ts';
import { setLabelOf } from './membership.ts';
import type { PoolPolicy, PoolState } from './pool_policy.ts';
import { mediaStatus } from './status.ts';

/** Epoch seconds from which on the tape may be overwritten once it is full; undefined: never, or it holds no data. */
export function expireTime(
  pool: PoolPolicy,
  entries: readonly InventoryEntry[],
  entry: InventoryEntry,
): number | undefined {
  if (pool.retention.kind === 'keep') return undefined;
  const label = setLabelOf(entry);
  if (!label) return undefined;
  const begin = retentionBegin(pool, entries, label);
  if (begin === undefined || pool.retention.kind === 'overwrite') return begin;
  return begin + pool.retention.span.wholeSeconds;
}

/** Undefined: not yet. */
function retentionBegin(
  pool: PoolPolicy,
  entries: readonly InventoryEntry[],
  label: MediaSetLabel,
): number | undefined {
  const times = setTimes(entries, label.pool);
  const start = times.get(label.uuid)?.start ?? label.ctime;
  const { allocation } = pool;
  if (allocation.kind === 'always') return start;
  const newer = times.get(label.uuid)?.next;
  if (allocation.kind === 'continue') return newer;
  const event = nextEvent(allocation.event, start, pool.zone);
  // The event says when the set should end; data may still be added until the next set really begins.
  return newer === undefined || event === undefined ? (newer ?? event) : Math.max(newer, event);
}

interface SetTimes {
  /** When the first tape joined; undefined while that tape is not known. */
  start: number | undefined;
  /** When the last tape joined. */
  end: number;
  /**
   * When the next set of the pool began: a tape joined another set after the last one joined this one. (A set that was
   * continued while another existed is protected for its newest data.)
   */
  next: number | undefined;
}

/** Inventories are never changed in place, so what follows from one is computed once. */
const computed = new WeakMap<readonly InventoryEntry[], Map<string, ReadonlyMap<string, SetTimes>>>();

/** Times of all sets of a pool by their UUID. */
function setTimes(entries: readonly InventoryEntry[], pool: string): ReadonlyMap<string, SetTimes> {
  const byPool = computed.get(entries) ?? new Map<string, ReadonlyMap<string, SetTimes>>();
  computed.set(entries, byPool);
  const known = byPool.get(pool);
  if (known) return known;
  const times = computeSetTimes(entries, pool);
  byPool.set(pool, times);
  return times;
}

function computeSetTimes(entries: readonly InventoryEntry[], pool: string): Map<string, SetTimes> {
  const times = new Map<string, SetTimes>();
  const labels = entries.flatMap((entry) => setLabelOf(entry) ?? []).filter((label) => label.pool === pool);
  for (const { uuid, seqNr, ctime } of labels) {
    const before = times.get(uuid);
    const start = seqNr === 0 ? ctime : before?.start;
    times.set(uuid, { start, end: Math.max(ctime, before?.end ?? ctime), next: undefined });
  }
  const byTime = labels.sort((a, b) => a.ctime - b.ctime);
  for (const [uuid, set] of times) {
    set.next = byTime.find((label) => label.uuid !== uuid && label.ctime > set.end)?.ctime;
  }
  return times;
}

/** Whether the tape may be overwritten now. Only full tapes expire. */
export function isExpired(state: PoolState, entry: InventoryEntry, now: number): boolean {
  if (mediaStatus(entry, state.pool.name, state.set) !== 'full') return false;
  const expires = expireTime(state.pool, state.entries, entry);
  return expires !== undefined && now >= expires;
}
