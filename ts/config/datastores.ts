/**
 * Datastores of datastore.cfg: what `proxmox-tape datastore` does to the configuration, and whether a datastore may be
 * used now. Where a PBS is installed the file is its own and only read.
 */
import { readFile, realpath } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { FerriteError } from '../errors.ts';
import type { ConfigDocument } from './config_document.ts';
import { readConfig, updateConfig } from './config_file.ts';
import { type DatastoreConfig, datastoreSection, datastoreSectionTypes } from './datastore_section.ts';
import { type DatastoreTuning, type DatastoreUse, datastoreRestriction, datastoreTuning } from './datastore_state.ts';
import { type Installation, lockFile } from './installation.ts';
import { isMountedFrom } from './mount_table.ts';
import { isPbsInstalled } from './pbs_presence.ts';
import { withTrimmedComment } from './section_update.ts';

const FILE = 'datastore.cfg';

/** All datastores, sorted by name. */
export async function listDatastores(installation: Installation): Promise<DatastoreConfig[]> {
  const document = await readConfig(installation, FILE, datastoreSectionTypes);
  return document.list(datastoreSection).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** One datastore; a FerriteError (`usage`, `unknown-datastore`) where there is none of that name. */
export async function datastoreConfig(installation: Installation, name: string): Promise<DatastoreConfig> {
  return findDatastore(await readConfig(installation, FILE, datastoreSectionTypes), name);
}

function findDatastore(document: ConfigDocument, name: string): DatastoreConfig {
  const store = document.get(datastoreSection, name);
  if (store) return store;
  throw new FerriteError(
    'usage',
    'unknown-datastore',
    `datastore '${name}' does not exist: see 'proxmox-tape datastore list' and 'proxmox-tape datastore create'`,
  );
}

/**
 * Adds a datastore. `prepare` makes the directory, or adopts an existing store, after all checks and before the file is
 * written; when it fails, nothing is configured.
 */
export async function createDatastore(
  installation: Installation,
  store: Pick<DatastoreConfig, 'name' | 'path' | 'comment'>,
  prepare: (path: string) => Promise<void>,
): Promise<void> {
  await refuseBesidePbs(installation, 'create');
  const path = resolve(store.path);
  await updateConfig(installation, FILE, datastoreSectionTypes, async (document) => {
    document.add(datastoreSection, withTrimmedComment({ ...store, path }));
    refuseNested(installation, document, store.name, path);
    await prepare(path);
  });
}

/** Removes the section; the data stays. */
export async function removeDatastore(installation: Installation, name: string): Promise<void> {
  await refuseBesidePbs(installation, 'remove');
  await updateConfig(installation, FILE, datastoreSectionTypes, (document) => {
    findDatastore(document, name);
    document.remove(name);
  });
}

async function refuseBesidePbs(installation: Installation, verb: 'create' | 'remove'): Promise<void> {
  if (!(await isPbsInstalled(installation))) return;
  throw new FerriteError(
    'usage',
    'owned-by-pbs',
    `${installation.paths.configFile(FILE)} belongs to the Proxmox Backup Server installed here: ` +
      `use 'proxmox-backup-manager datastore ${verb}' (Ferrite uses its datastores as they are)`,
  );
}

/** A store inside another would be taken for one of its groups, or its chunks be collected with those of the other. */
function refuseNested(installation: Installation, document: ConfigDocument, name: string, path: string): void {
  const isWithin = (inner: string, outer: string): boolean => {
    const way = relative(outer, inner);
    return way === '' || (way !== '..' && !way.startsWith('../'));
  };
  for (const other of document.list(datastoreSection)) {
    const otherPath = basePath(installation, other);
    if (other.name === name || !(isWithin(path, otherPath) || isWithin(otherPath, path))) continue;
    throw new FerriteError(
      'usage',
      'path-in-use',
      `${path} and datastore '${other.name}' (${otherPath}) overlap: choose a directory of its own`,
    );
  }
}

/** Where the data lies. A removable datastore is mounted at a fixed place, its `path` is relative to the device. */
export function basePath(installation: Installation, store: DatastoreConfig): string {
  return store['backing-device'] === undefined ? store.path : join(installation.root, 'mnt/datastore', store.name);
}

export interface UsableDatastore extends DatastoreTuning {
  name: string;
  /** Base directory. */
  path: string;
}

/**
 * Checks that a datastore may be used now and hands it to `register`, which records the use (active operations) while
 * the configuration is locked: so PBS cannot start a maintenance in between.
 */
export async function claimDatastore<Claim>(
  installation: Installation,
  name: string,
  use: DatastoreUse,
  register: (store: UsableDatastore) => Promise<Claim>,
): Promise<Claim> {
  const path = installation.paths.configFile(FILE);
  const lock = await lockFile(installation, installation.paths.configLock(FILE), path);
  try {
    return await register(await usableDatastore(installation, name, use));
  } finally {
    lock.release();
  }
}

/** As `claimDatastore`, for a look at a store that registers nothing. */
export async function usableDatastore(
  installation: Installation,
  name: string,
  use: DatastoreUse,
): Promise<UsableDatastore> {
  const store = await datastoreConfig(installation, name);
  const restriction = datastoreRestriction(store, use);
  if (restriction) throw new FerriteError('operator', 'datastore-not-usable', `datastore '${name}' ${restriction}`);
  const path = basePath(installation, store);
  if (store['backing-device'] !== undefined && !(await isMounted(store['backing-device'], path))) {
    throw new FerriteError(
      'operator',
      'not-mounted',
      `datastore '${name}' is not mounted: attach its device (UUID ${store['backing-device']}) and mount it at ${path}`,
    );
  }
  return { name, path, ...datastoreTuning(store) };
}

async function isMounted(fileSystemUuid: string, path: string): Promise<boolean> {
  try {
    const device = await realpath(join('/dev/disk/by-uuid', fileSystemUuid));
    return isMountedFrom(await readFile('/proc/self/mountinfo', 'utf8'), path, device);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false; // the device is not attached
    throw error;
  }
}
