/** Which snapshots of a media set are restored, and as what (behaviour.md 12.4): a pure decision over the catalogs. */
import { parseSnapshotPath } from '../../catalog/snapshot_path.ts';
import { type NamespaceMapping, type StoreMapping, targetNamespaces, targetStore } from '../../config/store_mapping.ts';

/** A snapshot archive as a catalog names it. */
export interface ArchivedSnapshot {
  readonly store: string;
  /** As on tape. */
  readonly snapshot: string;
  readonly mediaUuid: string;
  readonly fileNumber: number;
}

export interface SelectionRequest {
  /** What the catalogs of the set name, in order of the tapes. */
  readonly archived: readonly ArchivedSnapshot[];
  readonly stores: StoreMapping;
  /** `<store>:<snapshot>`; all that are mapped where not given. */
  readonly snapshots?: readonly string[] | undefined;
  /** Undefined: namespaces stay as they are. */
  readonly namespaces?: readonly NamespaceMapping[] | undefined;
}

export interface ChosenSnapshot extends ArchivedSnapshot {
  /** Datastore. */
  readonly target: string;
  /** What it is to be there; several where several mappings take its namespace. */
  readonly restoredAs: readonly string[];
}

export interface ChosenSnapshots {
  /** In order of the tapes. */
  readonly chosen: readonly ChosenSnapshot[];
  /** Of those asked for by name: why they cannot be restored. */
  readonly problems: readonly string[];
}

export function chooseSnapshots(request: SelectionRequest): ChosenSnapshots {
  const { stores, snapshots, namespaces } = request;
  const archived = latestOf(request.archived);
  const named = snapshots && new Set(snapshots);
  const problems: string[] = [];
  const chosen: ChosenSnapshot[] = [];
  for (const [name, archive] of archived) {
    if (named && !named.has(name)) continue;
    const target = targetStore(stores, archive.store);
    const restoredAs = target === undefined ? [] : restoredPaths(archive, namespaces);
    if (target !== undefined && restoredAs.length > 0) chosen.push({ ...archive, target, restoredAs });
    else if (named) problems.push(`${name}: ${target === undefined ? 'its datastore' : 'its namespace'} is not mapped`);
  }
  for (const name of named ?? []) {
    if (!archived.has(name)) problems.push(`${name}: it is not in the media set`);
  }
  return { chosen, problems };
}

/** A snapshot that is on the tapes twice counts with its last place: the job that wrote it again had a reason. */
function latestOf(archived: readonly ArchivedSnapshot[]): ReadonlyMap<string, ArchivedSnapshot> {
  const latest = new Map<string, ArchivedSnapshot>();
  for (const archive of archived) latest.set(`${archive.store}:${archive.snapshot}`, archive);
  return latest;
}

function restoredPaths(
  { store, snapshot }: ArchivedSnapshot,
  namespaces: readonly NamespaceMapping[] | undefined,
): string[] {
  if (!namespaces) return [snapshot];
  const { namespace } = parseSnapshotPath(snapshot);
  const rest = snapshot.split('/').slice(-3).join('/');
  const targets = new Set(targetNamespaces(namespaces, store, namespace));
  return [...targets].map((ns) => (ns === '' ? rest : `ns/${ns.split('/').join('/ns/')}/${rest}`));
}
