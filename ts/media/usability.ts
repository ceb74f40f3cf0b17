/** Whether the current media set can go on: with its last tape, with a further tape, or not at all. */
import type { InventoryEntry } from '../native.ts';
import { isAvailable, parseLocation } from './location.ts';
import { poolOf, setLabelOf } from './membership.ts';
import type { PoolState } from './pool_policy.ts';
import { mediaStatus } from './status.ts';

export type UsabilityProblem =
  | 'duplicate-sequence'
  | 'incomplete'
  | 'unknown-tape'
  | 'other-pool'
  | 'no-owner'
  | 'wrong-owner'
  | 'sequence'
  | 'encryption-changed'
  | 'vault'
  | 'wrong-status';

export type Usability =
  | { kind: 'writable'; tape: InventoryEntry }
  /** The set is good, and needs a further tape. */
  | { kind: 'needs-tape' }
  | { kind: 'unusable'; problem: UsabilityProblem; message: string };

export function setUsability(state: PoolState): Usability {
  const { set } = state;
  if (set.conflicts.length > 0) {
    const tapes = set.conflicts.join(', ');
    return unusable('duplicate-sequence', `media set ${set.uuid}: tapes with the same sequence number (${tapes})`);
  }
  const byUuid = new Map(state.entries.map((entry) => [entry.label.uuid, entry]));
  for (let seqNr = 0; seqNr < set.length; seqNr++) {
    const uuid = set.members.get(seqNr);
    if (uuid === undefined) {
      return unusable('incomplete', `media set ${set.uuid} is incomplete: its tape number ${seqNr} is not known`);
    }
    const entry = byUuid.get(uuid);
    if (!entry) return unusable('unknown-tape', `tape ${uuid} of media set ${set.uuid} is not in the inventory`);
    const problem = memberProblem(state, entry, seqNr) ?? statusProblem(state, entry, seqNr);
    if (problem) return problem;
  }
  const last = byUuid.get(set.members.get(set.length - 1) ?? '');
  const isWritable =
    last &&
    mediaStatus(last, state.pool.name, set) === 'writable' &&
    isAvailable(parseLocation(last.location), state.session);
  return isWritable ? { kind: 'writable', tape: last } : { kind: 'needs-tape' };
}

function unusable(problem: UsabilityProblem, message: string): Usability {
  return { kind: 'unusable', problem, message };
}

/** What the labels of a member say against the set as this session knows it. */
function memberProblem({ pool, set }: PoolState, entry: InventoryEntry, seqNr: number): Usability | undefined {
  const tape = `tape '${entry.label.labelText}'`;
  const owner = poolOf(entry);
  if (owner !== undefined && owner !== pool.name) {
    return unusable('other-pool', `${tape} of media set ${set.uuid} belongs to pool '${owner}'`);
  }
  const label = setLabelOf(entry);
  if (!label) return unusable('no-owner', `${tape} of media set ${set.uuid} belongs to no set any more`);
  if (label.uuid !== set.uuid) {
    return unusable('wrong-owner', `${tape} of media set ${set.uuid} belongs to set ${label.uuid} now`);
  }
  if (label.seqNr !== seqNr) {
    return unusable('sequence', `${tape} is number ${label.seqNr} of media set ${set.uuid}, not ${seqNr}`);
  }
  const key = label.encryptionKeyFingerprint?.toLowerCase();
  // Each member against the pool: so all members have the same key, too.
  if (key === pool.encrypt) return undefined;
  const words = `${tape} is ${encryptionWords(key)}, pool '${pool.name}' is ${encryptionWords(pool.encrypt)}`;
  return unusable('encryption-changed', `the pool's encryption has changed: ${words}`);
}

function encryptionWords(fingerprint: string | undefined): string {
  return fingerprint === undefined ? 'not encrypted' : `encrypted with key ${fingerprint.slice(0, 23)}`;
}

function statusProblem(state: PoolState, entry: InventoryEntry, seqNr: number): Usability | undefined {
  const { labelText } = entry.label;
  const status = mediaStatus(entry, state.pool.name, state.set);
  if (status === 'full') return undefined;
  const isLast = seqNr === state.set.length - 1;
  if (status !== 'writable' || !isLast) {
    return unusable('wrong-status', `tape '${labelText}' of media set ${state.set.uuid} is ${status}`);
  }
  const location = parseLocation(entry.location);
  if (location.kind !== 'vault') return undefined;
  return unusable('vault', `the writable tape '${labelText}' is in vault '${location.vault}'`);
}
