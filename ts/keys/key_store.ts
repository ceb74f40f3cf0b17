/**
 * The tape keys of an installation: PBS's two key files with their lock, owners and modes (keys.md 3). Keys and passwords stay
 * in the Rust core; what is handled here are objects that do not show what they hold.
 */
import { stat } from 'node:fs/promises';
import { fileMode, type Installation, lockFile, now } from '../config/installation.ts';
import { FerriteError } from '../errors.ts';
import type { KeyDerivation, KeyStore, Password } from '../native.ts';
import { findZone, offsetAt } from '../time/zoned_time.ts';

/** root:backup, readable by the service user; where there is none, the caller's alone. */
const CONFIG_MODE = 0o640;

/** For reading; files are replaced whole, so a reader needs no lock. */
export async function openKeyStore(installation: Installation): Promise<KeyStore> {
  const { KeyStore } = await import('../native.ts');
  const { paths, owner } = installation;
  await noticeOpenFile(installation, paths.plainKeyFile);
  return new KeyStore({
    plainPath: paths.plainKeyFile,
    configPath: paths.keyConfigFile,
    configMode: fileMode(installation, CONFIG_MODE),
    ...(owner && { configOwner: { uid: 0, gid: owner.gid } }),
  });
}

/** Only the super user may see the plain keys (keys.md 3); a file that was copied or put back may have lost its mode. */
async function noticeOpenFile(installation: Installation, path: string): Promise<void> {
  const mode = await stat(path).then(
    (found) => found.mode & 0o777,
    () => 0, // none yet, or none that this user may look at
  );
  if ((mode & 0o077) === 0) return;
  installation.notice(
    `${path} has mode 0${mode.toString(8)}: others can read it, and with its keys every encrypted tape. Run 'chmod 600 ${path}'`,
  );
}

/** Runs `work` while nobody else, PBS included, changes the keys. */
export async function withLockedKeys<T>(installation: Installation, work: (store: KeyStore) => Promise<T>): Promise<T> {
  const lock = await lockFile(installation, installation.paths.keyLock, 'the tape keys');
  try {
    return await work(await openKeyStore(installation));
  } finally {
    lock.release();
  }
}

/** A tape key has a password (D27); said before anybody types one. */
export function refuseKdfNone(kdf: KeyDerivation | undefined): void {
  if (kdf !== 'none') return;
  const message = "kdf 'none' is refused: a tape carries its key, so the key must be under a password";
  throw new FerriteError('usage', 'kdf-none', message);
}

/** How a key is to be put under a password; times in key files are local. */
export function keyWrapping(
  installation: Installation,
  request: { password: Password; kdf?: KeyDerivation | undefined; hint?: string | undefined },
) {
  const time = now(installation);
  return {
    password: request.password,
    kdf: request.kdf ?? ('scrypt' as KeyDerivation),
    ...(request.hint !== undefined && { hint: request.hint }),
    now: time,
    utcOffsetSeconds: offsetAt(time, findZone(installation.zone)),
  };
}
