/**
 * Restore lists: which snapshots of a media set a person chose in the offline page or by a search, for
 * `restore --list <file>`.
 */
import { readFile, stat } from 'node:fs/promises';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { parseSnapshotPath } from '../../catalog/snapshot_path.ts';
import { mediaSetUuid } from '../../config/identifiers.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';

export const RESTORE_LIST_FORMAT = 'ferrite-restore-list';

/** A list of a million snapshots has less. */
const LARGEST_LIST_BYTES = 128 << 20;

const restoreListFile = Type.Object({
  format: Type.Literal(RESTORE_LIST_FORMAT),
  version: Type.Literal(1),
  'media-set': mediaSetUuid,
  snapshots: Type.Array(Type.String(), { minItems: 1 }),
});

export interface RestoreList {
  mediaSet: string;
  /** `store:ns/a/vm/100/2024-06-05T09:38:20Z` */
  snapshots: string[];
}

/** Throws a FerriteError (`usage`, `restore-list`) for anything that is no such list. */
export async function readRestoreList(path: string): Promise<RestoreList> {
  let text: string;
  try {
    if ((await stat(path)).size > LARGEST_LIST_BYTES) throw refused(path, 'it is too large for one');
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw error instanceof FerriteError ? error : refused(path, toFerriteError(error).message);
  }
  return parseRestoreList(path, text);
}

/** The snapshots of a list for a restore of `mediaSet`. A list is about one media set: another one is refused. */
export async function snapshotsOfList(path: string, mediaSet: string): Promise<string[]> {
  const list = await readRestoreList(path);
  if (list.mediaSet === mediaSet.toLowerCase()) return list.snapshots;
  throw refused(path, `it is about media set ${list.mediaSet}, and ${mediaSet} is to be restored`);
}

export function parseRestoreList(path: string, text: string): RestoreList {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw refused(path, 'it is no JSON');
  }
  if (!Value.Check(restoreListFile, parsed)) {
    const { version } = (parsed ?? {}) as { version?: unknown };
    const newer = typeof version === 'number' && version > 1;
    throw refused(path, newer ? 'a newer Ferrite wrote it' : 'it is not what the offline page saves');
  }
  const list: Static<typeof restoreListFile> = parsed;
  for (const snapshot of list.snapshots) {
    if (!isSnapshot(snapshot)) throw refused(path, `'${snapshot}' is not <store>:<snapshot>`);
  }
  return { mediaSet: list['media-set'].toLowerCase(), snapshots: [...new Set(list.snapshots)] };
}

function isSnapshot(text: string): boolean {
  const colon = text.indexOf(':');
  if (colon <= 0) return false;
  try {
    parseSnapshotPath(text.slice(colon + 1));
    return true;
  } catch {
    return false;
  }
}

function refused(path: string, why: string): FerriteError {
  return new FerriteError('usage', 'restore-list', `'${path}' cannot be used as a restore list: ${why}`);
}
