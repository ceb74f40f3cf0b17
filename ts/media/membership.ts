/** Which pool and which media set a tape belongs to. A media set is an ordered group of tapes of one pool. */
import type { InventoryEntry, MediaSetLabel } from '../native.ts';

/** Set label of a tape that is reserved for a pool but empty (written by PBS up to 2.3). */
export const ZERO_UUID = '00000000-0000-0000-0000-000000000000';

/** The set label of a member of a set: undefined for empty tapes, also for those that a zero label reserves for a pool. */
export function setLabelOf(entry: Pick<InventoryEntry, 'mediaSetLabel'>): MediaSetLabel | undefined {
  const label = entry.mediaSetLabel;
  return label && label.uuid !== ZERO_UUID ? label : undefined;
}

/** The pool a tape belongs to; undefined: none, any pool may take it. */
export function poolOf(entry: Pick<InventoryEntry, 'label' | 'mediaSetLabel'>): string | undefined {
  return entry.mediaSetLabel?.pool ?? entry.label.pool;
}

export interface MediaSet {
  readonly uuid: string;
  /** Sequence number to UUID of the tape; holes are numbers without tape. */
  readonly members: ReadonlyMap<number, string>;
  /** One more than the highest sequence number: what the next tape gets. */
  readonly length: number;
  /** Label texts of tapes that claim a number that another tape has. */
  readonly conflicts: readonly string[];
}

export function emptySet(uuid: string): MediaSet {
  return { uuid, members: new Map(), length: 0, conflicts: [] };
}

/** The set as the inventory shows it. */
export function collectSet(entries: readonly InventoryEntry[], uuid: string): MediaSet {
  const bySequence = new Map<number, InventoryEntry[]>();
  for (const entry of entries) {
    const label = setLabelOf(entry);
    if (label?.uuid !== uuid) continue;
    bySequence.set(label.seqNr, [...(bySequence.get(label.seqNr) ?? []), entry]);
  }
  const members = new Map<number, string>();
  const conflicts: string[] = [];
  let length = 0;
  for (const [seqNr, tapes] of bySequence) {
    members.set(seqNr, (tapes[0] as InventoryEntry).label.uuid);
    if (tapes.length > 1) conflicts.push(...tapes.map((tape) => tape.label.labelText));
    length = Math.max(length, seqNr + 1);
  }
  return { uuid, members, length, conflicts: conflicts.sort() };
}

export function withMember(set: MediaSet, mediaUuid: string): MediaSet {
  return { ...set, members: new Map(set.members).set(set.length, mediaUuid), length: set.length + 1 };
}

/** UUID of the tape with the highest sequence number. */
export function lastMember(set: MediaSet): string | undefined {
  return set.members.get(set.length - 1);
}

/** Epoch seconds: when the first tape of a set joined it. Undefined while that tape is not known. */
export function setStartTime(entries: readonly InventoryEntry[], setUuid: string): number | undefined {
  for (const entry of entries) {
    const label = setLabelOf(entry);
    if (label?.uuid === setUuid && label.seqNr === 0) return label.ctime;
  }
  return undefined;
}
