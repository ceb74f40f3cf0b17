/**
 * One installation of Ferrite: a root with the files of PBS below it, the clock and the source of UUIDs that everything
 * in it uses, and the owner its files get. Nothing in ts/ reads a clock or the environment elsewhere.
 */
import { randomUUID } from 'node:crypto';
import { access, chmod, chown, mkdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { FerriteError, toFerriteError } from '../errors.ts';
import { findServiceUser } from './accounts.ts';
import {
  type AcquireLock,
  acquireNativeLock,
  type FileOwner,
  type HeldLock,
  isLockTimeout,
  LOCK_TIMEOUT_MS,
} from './file_lock.ts';
import { InstallationPaths } from './paths.ts';

/** Environment variables, as in `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

export interface InstallationOptions {
  /** Decides alone when given; else `PROXMOX_TAPE_ROOT`, `/` for the super user, `$XDG_DATA_HOME/ferrite` for others. */
  root?: string;
  variables: Variables;
  /** Epoch seconds, fractions allowed. */
  clock?: () => number;
  /** A random UUID (version 4) in its canonical text form. */
  uuid?: () => string;
  isSuperUser?: boolean;
  /** User and group `backup`, or undefined where they do not exist. Looked up in /etc/passwd and /etc/group by default. */
  serviceUser?: FileOwner | undefined;
  acquireLock?: AcquireLock;
  /** IANA name, or `local` for the zone of the process. Calendar events and set names are evaluated in it. */
  zone?: string;
  /** Told once about each thing in config files that was not understood and left alone. */
  onNotice?: (message: string) => void;
}

export interface Installation {
  readonly root: string;
  readonly paths: InstallationPaths;
  readonly variables: Variables;
  readonly isSuperUser: boolean;
  /** Owner of state, locks and logs; undefined: files stay with the calling user, closed to everyone else. */
  readonly owner: FileOwner | undefined;
  readonly zone: string;
  clock(): number;
  uuid(): string;
  /** Reports something that a person should know and that stops nothing; the same text only once. */
  notice(message: string): void;
  readonly acquireLock: AcquireLock;
}

export function openInstallation(options: InstallationOptions): Installation {
  const isSuperUser = options.isSuperUser ?? process.geteuid?.() === 0;
  const root = resolveRoot(options.root, options.variables, isSuperUser);
  const serviceUser = 'serviceUser' in options ? options.serviceUser : findServiceUser();
  const noticed = new Set<string>();
  return {
    root,
    paths: new InstallationPaths(root),
    variables: options.variables,
    isSuperUser,
    owner: isSuperUser ? serviceUser : undefined,
    zone: options.zone ?? 'local',
    clock: options.clock ?? (() => Date.now() / 1000),
    uuid: options.uuid ?? randomUUID,
    notice: (message) => {
      if (noticed.has(message)) return;
      noticed.add(message);
      options.onNotice?.(message);
    },
    acquireLock: options.acquireLock ?? acquireNativeLock,
  };
}

function resolveRoot(given: string | undefined, variables: Variables, isSuperUser: boolean): string {
  const chosen = given || variables.PROXMOX_TAPE_ROOT;
  if (chosen) return resolve(chosen);
  if (isSuperUser) return '/';
  // The XDG specification: a relative or empty XDG_DATA_HOME counts as unset.
  const dataHome = variables.XDG_DATA_HOME?.startsWith('/')
    ? variables.XDG_DATA_HOME
    : variables.HOME && join(variables.HOME, '.local/share');
  if (!dataHome) {
    throw new FerriteError(
      'usage',
      'no-root',
      'cannot tell where to keep files: neither XDG_DATA_HOME nor HOME is set; set PROXMOX_TAPE_ROOT to a directory',
    );
  }
  return resolve(dataHome, 'ferrite');
}

/** The clock in whole seconds, as labels and task ids store it. */
export function now(installation: Installation): number {
  return Math.floor(installation.clock());
}

/** `mode` where files belong to the service user; where they stay with the caller, the caller's bits alone. */
export function fileMode(installation: Installation, mode: number): number {
  return installation.owner ? mode : mode & 0o700;
}

/** Modes of PBS for directories that are not simply 0755. */
function directoryMode(paths: InstallationPaths, path: string): number {
  if (path === paths.configDir) return 0o700;
  const closed = [paths.statusDir, paths.driveLockDir, paths.driveStateDir, paths.changerStateDir, paths.cacheDir];
  return closed.includes(path) ? 0o750 : 0o755;
}

/** Directories that belong to the service user: those named after PBS or Ferrite, and all below them. */
function isOwnDirectory(root: string, path: string): boolean {
  return relative(root, path)
    .split('/')
    .some((part) => part === 'proxmox-backup' || part === 'ferrite');
}

/** Creates a directory of the installation and its missing parents, with the modes and owner of PBS. */
export async function ensureDirectory(installation: Installation, path: string): Promise<void> {
  try {
    for (const missing of await missingDirectories(path)) await makeDirectory(installation, missing);
  } catch (error) {
    const cause = toFerriteError(error);
    throw new FerriteError(cause.kind, cause.code, `cannot make directory ${path}: ${cause.message}`, { cause: error });
  }
}

/** Outermost first. */
async function missingDirectories(path: string): Promise<string[]> {
  const isThere = await access(path).then(
    () => true,
    () => dirname(path) === path,
  );
  return isThere ? [] : [...(await missingDirectories(dirname(path))), path];
}

async function makeDirectory(installation: Installation, path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return; // made by another process meanwhile
    throw error;
  }
  const isOwn = isOwnDirectory(installation.root, path);
  if (installation.owner) {
    await chmod(path, directoryMode(installation.paths, path));
    if (isOwn) await chown(path, installation.owner.uid, installation.owner.gid);
  } else if (installation.isSuperUser && !isOwn) await chmod(path, 0o755);
}

/**
 * Takes an exclusive lock with the owner and mode of PBS (0660 backup:backup), waiting at most ten seconds.
 * `what` names the locked thing in the error: `pool 'daily'`.
 */
export async function lockFile(
  installation: Installation,
  path: string,
  what: string,
  timeoutMs: number = LOCK_TIMEOUT_MS,
): Promise<HeldLock> {
  await ensureDirectory(installation, dirname(path));
  const { owner } = installation;
  try {
    const mode = fileMode(installation, 0o660);
    return await installation.acquireLock(path, { timeoutMs, mode, ...(owner && { owner }) });
  } catch (error) {
    if (!isLockTimeout(error)) throw toFerriteError(error);
    throw lockBusy(path, what, timeoutMs, error);
  }
}

/** What a user is told about a lock that another process kept. */
export function lockBusy(path: string, what: string, waitedMs: number, cause: unknown): FerriteError {
  const message = `${what} is in use by another process (${path}, waited ${waitedMs / 1000} s): try again when it has finished`;
  return new FerriteError('operator', 'lock-timeout', message, { cause });
}
