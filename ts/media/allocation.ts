/** Which tape a job writes to next (spec/behaviour.md 5). */
import type { InventoryEntry, MediaSetLabel } from '../native.ts';
import { renderEpoch } from '../time/strftime.ts';
import { expireTime, isExpired } from './expiry.ts';
import { isAvailable, parseLocation } from './location.ts';
import { poolOf, setLabelOf } from './membership.ts';
import type { PoolState } from './pool_policy.ts';
import { mediaStatus } from './status.ts';
import { setUsability } from './usability.ts';

export type TapeSource = 'empty' | 'expired' | 'unassigned';

export type AllocationDecision =
  /** The last tape of the set goes on. */
  | { kind: 'continue'; tape: InventoryEntry }
  /** A further tape joins the set with this label. */
  | { kind: 'add'; source: TapeSource; tape: InventoryEntry; label: MediaSetLabel }
  | { kind: 'refused'; problem: 'set-unusable' | 'no-media'; message: string };

/**
 * `lockedSets`: media sets that somebody reads (a restore); their expired tapes are passed over.
 */
export function decideAllocation(
  state: PoolState,
  now: number,
  lockedSets: ReadonlySet<string> = new Set(),
): AllocationDecision {
  const usability = setUsability(state);
  if (usability.kind === 'unusable') {
    return { kind: 'refused', problem: 'set-unusable', message: `media set unusable: ${usability.message}` };
  }
  if (usability.kind === 'writable') return { kind: 'continue', tape: usability.tape };
  for (const source of ['empty', 'expired', 'unassigned'] as const) {
    const [tape] = candidates(state, source, now, lockedSets);
    if (tape) return { kind: 'add', source, tape, label: newSetLabel(state, now) };
  }
  return { kind: 'refused', problem: 'no-media', message: noMediaMessage(state, now) };
}

/** Of one source, the first to take first. */
export function candidates(
  state: PoolState,
  source: TapeSource,
  now: number,
  lockedSets: ReadonlySet<string> = new Set(),
): InventoryEntry[] {
  const { pool, set, session } = state;
  const age = (entry: InventoryEntry): number =>
    source === 'expired' ? (setLabelOf(entry)?.ctime ?? 0) : entry.label.ctime;
  return state.entries
    .filter((entry) => sourceOf(state, entry, now) === source)
    .filter((entry) => isAvailable(parseLocation(entry.location), session))
    .filter((entry) => !lockedSets.has(setLabelOf(entry)?.uuid ?? ''))
    .filter((entry) => source === 'expired' || mediaStatus(entry, pool.name, set) === 'writable')
    .sort((a, b) => age(a) - age(b) || compareBytes(a.label.labelText, b.label.labelText));
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Undefined: not for this pool, or its data is still needed. */
function sourceOf(state: PoolState, entry: InventoryEntry, now: number): TapeSource | undefined {
  const owner = poolOf(entry);
  if (owner === undefined) return 'unassigned';
  if (owner !== state.pool.name) return undefined;
  const label = setLabelOf(entry);
  if (!label) return 'empty';
  return label.uuid !== state.set.uuid && isExpired(state, entry, now) ? 'expired' : undefined;
}

function newSetLabel({ pool, set }: PoolState, now: number): MediaSetLabel {
  const key = pool.encrypt === undefined ? {} : { encryptionKeyFingerprint: pool.encrypt };
  return { pool: pool.name, uuid: set.uuid, seqNr: set.length, ctime: now, ...key };
}

/** Says what there is, so that a person knows what to bring. */
function noMediaMessage(state: PoolState, now: number): string {
  const facts: string[] = [];
  const elsewhere = (['empty', 'expired', 'unassigned'] as const)
    .flatMap((source) => candidates({ ...state, session: { kind: 'listing' } }, source, now))
    .map((entry) => entry.label.labelText);
  if (elsewhere.length > 0) facts.push(`usable if inserted: ${elsewhere.slice(0, 5).join(', ')}`);
  const expiries = state.entries
    .filter((entry) => poolOf(entry) === state.pool.name)
    .flatMap((entry) => expireTime(state.pool, state.entries, entry) ?? [])
    .filter((time) => time > now);
  if (expiries.length > 0)
    facts.push(`the next tape expires on ${renderEpoch(Math.min(...expiries), state.pool.zone)}`);
  const advice = facts.length > 0 ? facts.join('; ') : "label further tapes ('proxmox-tape label')";
  return `no usable media in pool '${state.pool.name}': ${advice}`;
}
