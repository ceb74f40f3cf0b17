/** The decision at the start of each backup: go on with the current media set, or start a new one. */

import type { InventoryEntry } from '../native.ts';
import { nextEvent } from '../time/calendar_event.ts';
import { renderEpoch } from '../time/strftime.ts';
import { findCurrentSet } from './current_set.ts';
import { isAvailable, type MediaSession, parseLocation } from './location.ts';
import { collectSet, emptySet, lastMember, type MediaSet, setLabelOf, setStartTime } from './membership.ts';
import type { PoolPolicy, PoolState } from './pool_policy.ts';
import { setUsability } from './usability.ts';

export interface SessionRequest {
  readonly pool: PoolPolicy;
  readonly entries: readonly InventoryEntry[];
  readonly session: MediaSession;
  /** Epoch seconds. */
  readonly now: number;
  readonly forceNewSet?: boolean;
  /** A fresh random UUID; called at most once. */
  readonly newUuid: () => string;
}

export interface SessionStart {
  /** Without members when it is new: nothing is stored before its first tape is allocated. */
  readonly set: MediaSet;
  readonly isNew: boolean;
  /** Why a set that could have gone on does not; undefined also when there was none yet. */
  readonly reason: string | undefined;
  /** Inconsistencies of the inventory that made this decision necessary (D23). */
  readonly warnings: readonly string[];
}

export function startSession(request: SessionRequest): SessionStart {
  const current = findCurrentSet(request.entries, request.pool.name);
  const warnings: string[] = [];
  if (current.kind === 'inconsistent') {
    const tapes = current.tapes.join(', ');
    warnings.push(
      `pool '${request.pool.name}' has several newest media sets (tapes ${tapes} joined them at the same time): ` +
        'none of them is continued',
    );
  }
  const set = current.kind === 'set' ? collectSet(request.entries, current.uuid) : undefined;
  if (set && set.conflicts.length > 0) {
    warnings.push(
      `tapes ${set.conflicts.join(', ')} have the same number in media set ${set.uuid}: the set is not continued`,
    );
  }
  warnings.push(...clockWarnings(request));
  const reason = newSetReason(request, set);
  if (set && reason === undefined) return { set, isNew: false, reason, warnings };
  return { set: emptySet(request.newUuid()), isNew: true, reason, warnings };
}

/** Clocks of hosts that share tapes differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** Which set is the current one follows from times, and so does what expires when: somebody should know. */
function clockWarnings({ pool, entries, now }: SessionRequest): string[] {
  const latest = entries.reduce<InventoryEntry | undefined>((newest, entry) => {
    const label = setLabelOf(entry);
    if (label?.pool !== pool.name || label.ctime <= now + CLOCK_TOLERANCE_SECONDS) return newest;
    return newest && (setLabelOf(newest)?.ctime ?? 0) >= label.ctime ? newest : entry;
  }, undefined);
  const time = latest && setLabelOf(latest)?.ctime;
  if (time === undefined) return [];
  return [
    `tape '${latest?.label.labelText}' joined its media set on ${renderEpoch(time, pool.zone)}, which is in the future: ` +
      'was the clock set back? Until it is right, media sets are continued and kept by wrong times',
  ];
}

/** Undefined: the set goes on; where there is none, nothing asked for another. */
function newSetReason(request: SessionRequest, set: MediaSet | undefined): string | undefined {
  const { pool, entries, session, now } = request;
  if (request.forceNewSet) return 'a new media set was asked for';
  if (set) {
    const state: PoolState = { pool, entries, set, session };
    const usability = setUsability(state);
    if (usability.kind === 'unusable') return usability.message;
    const offline = offlineTape(state);
    if (offline !== undefined) return `required tape '${offline}' is not in the library`;
  }
  if (pool.allocation.kind === 'always') return 'policy is to always create a new set';
  if (set && pool.allocation.kind === 'event') {
    const start = setStartTime(entries, set.uuid);
    const due = start === undefined ? undefined : nextEvent(pool.allocation.event, start, pool.zone);
    if (due !== undefined && now >= due) return `policy event '${pool.allocation.event.text}' was triggered`;
  }
  return undefined;
}

/** Label of the set's last tape when a library is used and it is not in there (D1). */
function offlineTape({ entries, set, session }: PoolState): string | undefined {
  if (session.kind !== 'changer') return undefined;
  const last = entries.find((entry) => entry.label.uuid === lastMember(set));
  return last && !isAvailable(parseLocation(last.location), session) ? last.label.labelText : undefined;
}
