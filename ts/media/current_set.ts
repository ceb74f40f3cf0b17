/** Which media set of a pool is the current one: the one that got a tape last. */
import type { InventoryEntry } from '../native.ts';
import { setLabelOf } from './membership.ts';

export type CurrentSet =
  | { kind: 'none' }
  | { kind: 'set'; uuid: string }
  /** Several sets got a tape at the same latest time; `tapes` are the label texts of these tapes. */
  | { kind: 'inconsistent'; tapes: string[] };

export function findCurrentSet(entries: readonly InventoryEntry[], pool: string): CurrentSet {
  let latest = Number.NEGATIVE_INFINITY;
  let newest: InventoryEntry[] = [];
  for (const entry of entries) {
    const label = setLabelOf(entry);
    if (label?.pool !== pool || label.ctime < latest) continue;
    if (label.ctime > latest) newest = [];
    latest = label.ctime;
    newest.push(entry);
  }
  const uuids = new Set(newest.map((entry) => setLabelOf(entry)?.uuid));
  const [uuid] = uuids;
  if (uuid === undefined) return { kind: 'none' };
  if (uuids.size > 1) return { kind: 'inconsistent', tapes: newest.map((entry) => entry.label.labelText).sort() };
  return { kind: 'set', uuid };
}
