/** Installations in temporary directories, with a clock, UUIDs and locks that a test controls. */
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type AcquireLock, lockTimeout } from '../ts/config/file_lock.ts';
import { type Installation, type InstallationOptions, openInstallation } from '../ts/config/installation.ts';

/** A directory that is removed when the test ends. */
export function temporaryDirectory(t: ExecutionContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'ferrite-test-')));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/**
 * As `temporaryDirectory`, in memory where the machine has room for it: the 65,536 folders of a datastore take seconds on
 * a disk.
 */
export function memoryDirectory(t: ExecutionContext): string {
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const path = realpathSync(mkdtempSync(join(parent, 'ferrite-test-')));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Locks that exclude each other within this process: for tests that are not about flock(2). */
export function processLocks(): AcquireLock {
  const held = new Set<string>();
  return async (path, { timeoutMs }) => {
    const deadline = Date.now() + timeoutMs;
    while (held.has(path)) {
      if (Date.now() >= deadline) throw lockTimeout(path, timeoutMs);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    held.add(path);
    return { path, release: () => void held.delete(path) };
  };
}

/** `00000000-0000-4000-8000-000000000001` and so on. */
export function countedUuids(): () => string {
  let count = 0;
  return () => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`;
}

/** Epoch 1,700,000,000 unless the test sets another clock; zone UTC; files belong to the calling user. */
export function temporaryInstallation(t: ExecutionContext, options: Partial<InstallationOptions> = {}): Installation {
  return openInstallation({
    root: options.root ?? temporaryDirectory(t),
    variables: {},
    clock: () => 1_700_000_000,
    uuid: countedUuids(),
    isSuperUser: false,
    acquireLock: processLocks(),
    zone: 'UTC',
    ...options,
  });
}
