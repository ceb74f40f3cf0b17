/** Which snapshots of a datastore a backup writes (behaviour.md 10.2): a pure decision over the listing. */
import type { SnapshotInfo } from '../../native.ts';

export interface SelectionRules {
  latestOnly: boolean;
  /** Paths that the media set has. */
  present: ReadonlySet<string>;
  /** Whether a group (`<type>/<id>`) is taken; all where not given. */
  takesGroup?: (group: string) => boolean;
}

export interface Selection {
  /** To write, in the order of the listing. */
  chosen: SnapshotInfo[];
  /** Would be written, but the set has them. */
  skipped: SnapshotInfo[];
  /** Groups that have a finished snapshot. */
  groups: number;
  /** Those of them that are taken. */
  selectedGroups: number;
}

/** Unfinished snapshots do not count (D13): the newest finished one is the latest of its group. */
export function selectSnapshots(listing: readonly SnapshotInfo[], rules: SelectionRules): Selection {
  const { latestOnly, present, takesGroup = () => true } = rules;
  const finished = listing.filter((snapshot) => snapshot.finished);
  const selected = finished.filter(({ backupType, backupId }) => takesGroup(`${backupType}/${backupId}`));
  const newest = newestOfGroups(selected);
  const candidates = latestOnly ? selected.filter((each) => newest.get(groupOf(each)) === each) : selected;
  return {
    chosen: candidates.filter(({ path }) => !present.has(path)),
    skipped: candidates.filter(({ path }) => present.has(path)),
    groups: new Set(finished.map(groupOf)).size,
    selectedGroups: newest.size,
  };
}

function newestOfGroups(snapshots: readonly SnapshotInfo[]): Map<string, SnapshotInfo> {
  const newest = new Map<string, SnapshotInfo>();
  for (const snapshot of snapshots) {
    const group = groupOf(snapshot);
    const other = newest.get(group);
    if (!other || other.backupTime < snapshot.backupTime) newest.set(group, snapshot);
  }
  return newest;
}

/** A group of the same name in another namespace is another group. */
function groupOf({ ns, backupType, backupId }: SnapshotInfo): string {
  return `${ns}:${backupType}/${backupId}`;
}
