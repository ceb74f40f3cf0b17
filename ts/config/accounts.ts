/**
 * The service user of PBS. /etc/passwd and /etc/group are read directly: user and group `backup` are Debian's own
 * (base-passwd), so they are never in a network directory.
 */
import { readFileSync } from 'node:fs';
import type { FileOwner } from './file_lock.ts';

/** The numeric id (third field) of an account in the text of /etc/passwd or /etc/group. */
export function accountId(table: string, name: string): number | undefined {
  const line = table.split('\n').find((candidate) => candidate.startsWith(`${name}:`));
  const id = line?.split(':')[2];
  return id !== undefined && /^\d+$/.test(id) ? Number(id) : undefined;
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // containers without these files have no such user
  }
}

export function findServiceUser(): FileOwner | undefined {
  const uid = accountId(readTable('/etc/passwd'), 'backup');
  const gid = accountId(readTable('/etc/group'), 'backup');
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}
