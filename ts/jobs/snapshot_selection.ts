/** Which snapshots of a datastore a backup writes (behaviour.md 10.2): a pure decision over the listing. */
import type { SnapshotInfo } from '../native.ts';

export interface SelectionRules {
  latestOnly: boolean;
  /** Paths that the media set has. */
  present: ReadonlySet<string>;
}

export interface Selection {
  /** To write, in the order of the listing. */
  chosen: SnapshotInfo[];
  /** Would be written, but the set has them. */
  skipped: SnapshotInfo[];
  /** Groups that have a finished snapshot. */
  groups: number;
}

/** Unfinished snapshots do not count (D13): the newest finished one is the latest of its group. */
export function selectSnapshots(listing: readonly SnapshotInfo[], rules: SelectionRules): Selection {
  const finished = listing.filter((snapshot) => snapshot.finished);
  const newest = new Map<string, SnapshotInfo>();
  for (const snapshot of finished) {
    const group = groupOf(snapshot);
    const other = newest.get(group);
    if (!other || other.backupTime < snapshot.backupTime) newest.set(group, snapshot);
  }
  const candidates = rules.latestOnly ? finished.filter((each) => newest.get(groupOf(each)) === each) : finished;
  return {
    chosen: candidates.filter(({ path }) => !rules.present.has(path)),
    skipped: candidates.filter(({ path }) => rules.present.has(path)),
    groups: newest.size,
  };
}

function groupOf({ ns, backupType, backupId }: SnapshotInfo): string {
  return `${ns}:${backupType}/${backupId}`;
}
