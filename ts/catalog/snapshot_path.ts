/** Snapshot paths as they stand on tape and in catalogs: `ns/a/ns/b/vm/100/2024-06-05T09:38:20Z` (tape-format.md 6.1). */
import { FerriteError } from '../errors.ts';

export interface SnapshotPath {
  /** `a/b`; the root namespace is empty. */
  namespace: string;
  backupType: string;
  backupId: string;
  /** Epoch seconds. */
  backupTime: number;
}

export function parseSnapshotPath(path: string): SnapshotPath {
  const parts = path.split('/');
  const [backupType = '', backupId = '', time = ''] = parts.slice(-3);
  const prefix = parts.slice(0, -3);
  const isNamespace = prefix.length % 2 === 0 && prefix.every((part, index) => index % 2 === 1 || part === 'ns');
  const backupTime = Date.parse(time) / 1000;
  if (parts.length < 3 || !isNamespace || Number.isNaN(backupTime)) {
    throw new FerriteError('data', 'snapshot-path', `'${path}' is not the path of a snapshot`);
  }
  return { namespace: prefix.filter((_, index) => index % 2 === 1).join('/'), backupType, backupId, backupTime };
}
