/** Snapshots of a datastore: put in from files on disk, listed, verified, taken out again. */
import type { Installation } from '../../config/installation.ts';
import { now } from '../../config/installation.ts';
import { FerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { ExtractReport, ImportItem, ImportReport, SnapshotInfo, StoreStats, VerifyReport } from '../../native.ts';
import { storeListener, withDatastore } from './datastores.ts';

export interface SnapshotImport {
  store: string;
  /** `host/server1` */
  group: string;
  /** `a/b`; root where not given. Missing namespaces are made. */
  ns?: string | undefined;
  /** Epoch seconds; now where not given. */
  time?: number | undefined;
  /** `user@realm`; root@pam where not given. */
  owner?: string | undefined;
  /** `root.pxar:/etc`, `disk.img:/dev/vg/disk`, `server.conf:/etc/server.conf` */
  archives: readonly string[];
  /** Patterns to leave out of directory trees. */
  exclude?: readonly string[] | undefined;
}

const ITEM_KINDS: Record<string, ImportItem['kind']> = { pxar: 'tree', img: 'image', conf: 'blob', log: 'blob' };

/** `<name>.<type>:<source>` with the types of PBS's client: pxar, img, conf, log. */
export function parseArchiveSource(text: string): ImportItem {
  const match = /^([A-Za-z0-9_][A-Za-z0-9._-]*)\.(pxar|img|conf|log):(.+)$/s.exec(text);
  const [, name = '', type = '', source = ''] = match ?? [];
  const kind = ITEM_KINDS[type];
  if (!kind) {
    throw new FerriteError(
      'usage',
      'bad-parameter',
      `'${text}' names no archive: write <name>.pxar:<directory>, <name>.img:<file or device>, <name>.conf:<file> or <name>.log:<file>`,
    );
  }
  return { kind, name: kind === 'blob' ? `${name}.${type}` : name, source };
}

/** Makes a snapshot out of files on disk. */
export async function importSnapshot(
  installation: Installation,
  request: SnapshotImport,
  log: WorkLog,
): Promise<ImportReport> {
  const [backupType = '', backupId = '', ...rest] = request.group.split('/');
  if (backupId === '' || rest.length > 0) {
    throw new FerriteError('usage', 'bad-parameter', `'${request.group}' is no group: write <vm|ct|host>/<id>`);
  }
  const plan = {
    backupType,
    backupId,
    backupTime: request.time ?? now(installation),
    ownerAuthId: request.owner ?? 'root@pam',
    items: request.archives.map(parseArchiveSource),
    compress: true,
    ...(request.ns !== undefined && { ns: request.ns }),
    ...(request.exclude && { exclude: [...request.exclude] }),
  };
  return withDatastore(installation, request.store, 'write', log.signal, ({ store }) =>
    store.importSnapshot(plan, storeListener(log, request.group)),
  );
}

export interface SnapshotListEntry extends SnapshotInfo {
  /** Sum of the sizes of its archives, in bytes. */
  size: number;
  files: string[];
}

/** All finished and unfinished snapshots, in the order in which they would go to tape. */
export async function listSnapshots(
  installation: Installation,
  request: { store: string; ns?: string | undefined; maxDepth?: number | undefined },
): Promise<SnapshotListEntry[]> {
  return withDatastore(installation, request.store, 'read', undefined, async ({ store }) => {
    const { snapshots } = await store.listSnapshots({
      ...(request.ns !== undefined && { ns: request.ns }),
      ...(request.maxDepth !== undefined && { maxDepth: request.maxDepth }),
    });
    return Promise.all(
      snapshots.map(async (snapshot) => {
        const files = snapshot.finished ? await store.snapshotFiles(snapshot.path) : [];
        const size = files.reduce((sum, file) => sum + file.size, 0);
        return { ...snapshot, size, files: files.map(({ filename }) => filename) };
      }),
    );
  });
}

/** Counts chunks, and what the indexes of all snapshots describe. */
export async function storeStats(installation: Installation, request: { store: string }): Promise<StoreStats> {
  return withDatastore(installation, request.store, 'read', undefined, ({ store }) => store.stats());
}

/** Checks every chunk and file of the named snapshots, or of all. What is damaged is in the report, not thrown. */
export async function verifySnapshots(
  installation: Installation,
  request: { store: string; snapshots?: readonly string[] | undefined },
  log: WorkLog,
): Promise<VerifyReport> {
  const chosen = request.snapshots?.length ? { snapshots: [...request.snapshots] } : {};
  return withDatastore(installation, request.store, 'read', log.signal, ({ store }) =>
    store.verify(chosen, storeListener(log, `verify ${request.store}`)),
  );
}

/** Takes one archive out of a snapshot: a tree into a new or empty directory, an image or blob into a file. */
export async function extractArchive(
  installation: Installation,
  request: { store: string; snapshot: string; archive: string; target: string },
  log: WorkLog,
): Promise<ExtractReport> {
  const { snapshot, archive, target } = request;
  return withDatastore(installation, request.store, 'read', log.signal, ({ store }) =>
    store.extract({ snapshot, archive, target }, storeListener(log, archive)),
  );
}
