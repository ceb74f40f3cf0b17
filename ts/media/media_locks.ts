/**
 * Locks on pools and media sets, by PBS's names (spec/tape-format.md 8.4). Order: drive, pool, media set, inventory.
 * A job that holds its media set takes the pool again for each further tape, so nobody who holds a pool waits for a
 * media set: see `lockSetOfPool`.
 */
import { join } from 'node:path';
import { type HeldLock, isLockTimeout, LOCK_TIMEOUT_MS } from '../config/file_lock.ts';
import { type Installation, lockBusy, lockFile } from '../config/installation.ts';
import type { InventoryEntry } from '../native.ts';
import { poolOf, setLabelOf } from './membership.ts';

/** Stands for the tapes without pool. */
const UNASSIGNED = '__UNASSIGNED__';
const RETRY_MS = 100;

/**
 * Text after the last dot of a pool's name is lost: PBS replaces what it takes for an extension, so pool `a.b` has the
 * lock of pool `a`.
 */
export function poolLockPath(statusDir: string, pool: string | undefined): string {
  return join(statusDir, `.pool-${(pool ?? UNASSIGNED).replace(/\.[^.]*$/, '')}.lck`);
}

export function mediaSetLockPath(statusDir: string, uuid: string): string {
  return join(statusDir, `.media-set-${uuid}.lck`);
}

/** `pool` undefined: the tapes without pool. */
export async function lockPool(installation: Installation, pool: string | undefined): Promise<HeldLock> {
  const what = pool === undefined ? 'the set of tapes without pool' : `pool '${pool}'`;
  return lockFile(installation, poolLockPath(installation.paths.statusDir, pool), what);
}

export async function lockMediaSet(
  installation: Installation,
  uuid: string,
  timeoutMs: number = LOCK_TIMEOUT_MS,
): Promise<HeldLock> {
  const path = mediaSetLockPath(installation.paths.statusDir, uuid);
  return lockFile(installation, path, `media set ${uuid}`, timeoutMs);
}

/** Runs `work` while no job writes to the media set, or overwrites one of its tapes. */
export async function withMediaSet<T>(installation: Installation, uuid: string, work: () => Promise<T>): Promise<T> {
  const lock = await lockMediaSet(installation, uuid);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** Undefined: somebody else holds it. */
export async function tryLockMediaSet(installation: Installation, uuid: string): Promise<HeldLock | undefined> {
  try {
    return await lockMediaSet(installation, uuid, 0);
  } catch (error) {
    if (isLockTimeout(error)) return undefined;
    throw error;
  }
}

/**
 * The locks under which a tape's labels are entered into the inventory, or the tape taken out of it: its pool and its
 * media set.
 */
export async function lockBookkeeping(
  installation: Installation,
  tape: Pick<InventoryEntry, 'label' | 'mediaSetLabel'>,
): Promise<HeldLock> {
  const pool = poolOf(tape);
  const set = setLabelOf(tape);
  if (!set) return lockPool(installation, pool);
  return lockSetOfPool(installation, pool, async () => ({ setUuid: set.uuid, keepPool: true, value: undefined })).then(
    ({ lock }) => lock,
  );
}

export interface SetChoice<Value> {
  setUuid: string;
  /** Whether the pool stays locked together with the set. */
  keepPool: boolean;
  value: Value;
}

/**
 * Locks a pool, chooses a media set and locks it, too. While the set is busy the pool is free, and the choice is made
 * again: waiting for a set with the pool locked would block the job that holds the set and needs its next tape.
 */
export async function lockSetOfPool<Value>(
  installation: Installation,
  pool: string | undefined,
  choose: () => Promise<SetChoice<Value>>,
  timeoutMs: number = LOCK_TIMEOUT_MS,
): Promise<{ lock: HeldLock; value: Value }> {
  for (let waitedMs = 0; ; waitedMs += RETRY_MS) {
    const poolLock = await lockPool(installation, pool);
    let keepsPool = false;
    try {
      const { setUuid, keepPool, value } = await choose();
      const setLock = await tryLockMediaSet(installation, setUuid);
      if (setLock) {
        keepsPool = keepPool;
        return { lock: keepPool ? bothLocks(setLock, poolLock) : setLock, value };
      }
      const path = mediaSetLockPath(installation.paths.statusDir, setUuid);
      if (waitedMs >= timeoutMs) throw lockBusy(path, `media set ${setUuid}`, waitedMs, undefined);
    } finally {
      if (!keepsPool) poolLock.release();
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function bothLocks(inner: HeldLock, outer: HeldLock): HeldLock {
  const release = (): void => {
    inner.release();
    outer.release();
  };
  return { path: inner.path, release };
}
