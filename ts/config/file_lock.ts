/**
 * Exclusive locks on files, shared with PBS: flock(2) by the Rust core, which polls off the event loop. The factory comes
 * in from outside so that the core is loaded only when something is locked.
 */
import { FerriteError, toFerriteError } from '../errors.ts';

/** uid and gid of the service user. */
export interface FileOwner {
  uid: number;
  gid: number;
}

export interface HeldLock {
  readonly path: string;
  /** Harmless when called twice. */
  release(): void;
}

export interface LockOptions {
  /** 0: give up at once. */
  timeoutMs: number;
  mode?: number;
  owner?: FileOwner;
}

/** Rejects with a FerriteError of code `lock-timeout` when somebody else holds the lock for longer than the time limit. */
export type AcquireLock = (path: string, options: LockOptions) => Promise<HeldLock>;

export const LOCK_TIMEOUT_MS = 10_000;

export const acquireNativeLock: AcquireLock = async (path, options) => {
  const { FileLock } = await import('../native.ts');
  return FileLock.acquire(path, options);
};

/** The error of `AcquireLock`; lock factories of tests throw it as well. */
export function lockTimeout(path: string, timeoutMs: number): FerriteError {
  return new FerriteError('operator', 'lock-timeout', `${path} is still locked after ${timeoutMs / 1000} s`);
}

/** Whether the lock is held by somebody else, as opposed to not obtainable at all. */
export function isLockTimeout(error: unknown): boolean {
  return toFerriteError(error).code === 'lock-timeout';
}
