/** What the labels that changers report say about where tapes are (spec/behaviour.md 9.8). */
import type { InventoryEntry } from '../native.ts';
import { formatLocation, parseLocation } from './location.ts';

export interface OnlineReport {
  /** Label texts in drives and normal slots of each changer that answered; virtual drives are changers, too. */
  readonly seen: ReadonlyMap<string, readonly string[]>;
  /** All changers of the configuration, also those not asked or not reachable. */
  readonly configured: ReadonlySet<string>;
}

export interface OnlineUpdate {
  /** Tapes whose location changes. */
  readonly moved: ReadonlyArray<{ uuid: string; labelText: string; location: string }>;
  readonly warnings: readonly string[];
}

export function onlineUpdate(entries: readonly InventoryEntry[], report: OnlineReport): OnlineUpdate {
  const labelCounts = new Map<string, number>();
  for (const { label } of entries) labelCounts.set(label.labelText, (labelCounts.get(label.labelText) ?? 0) + 1);
  const changersByLabel = new Map<string, string[]>();
  for (const [changer, labels] of report.seen) {
    for (const label of labels) changersByLabel.set(label, [...(changersByLabel.get(label) ?? []), changer]);
  }
  const moved: Array<{ uuid: string; labelText: string; location: string }> = [];
  const warnings = new Set<string>();
  for (const entry of entries) {
    const { uuid, labelText } = entry.label;
    const changers = changersByLabel.get(labelText) ?? [];
    if (changers.length > 0 && (labelCounts.get(labelText) ?? 0) > 1) {
      warnings.add(`several tapes in the inventory have the label '${labelText}': its place is not updated`);
      continue;
    }
    const location = newLocation(entry, changers, report);
    if (location !== formatLocation(parseLocation(entry.location))) moved.push({ uuid, labelText, location });
  }
  return { moved, warnings: [...warnings] };
}

function newLocation(entry: InventoryEntry, changers: readonly string[], report: OnlineReport): string {
  const before = parseLocation(entry.location);
  const stays = before.kind === 'online' && changers.includes(before.changer);
  const [changer] = changers;
  if (changer !== undefined && !stays) return formatLocation({ kind: 'online', changer });
  const isGone =
    before.kind === 'online' &&
    changer === undefined &&
    (report.seen.has(before.changer) || !report.configured.has(before.changer));
  return formatLocation(isGone ? { kind: 'offline' } : before);
}
