/** Keys on tapes: brought back from the label of a media set, and checked there (behaviour.md 21). */
import type { Installation } from '../config/installation.ts';
import { FerriteError, toFerriteError } from '../errors.ts';
import { importKey, storedKey } from '../keys/keys.ts';
import { type DriveAccess, withDrive } from '../library/drives/drive.ts';
import { requireLabels } from '../library/tapes/read_label.ts';
import { recordTapeKey } from '../media/key_records.ts';
import { setLabelOf } from '../media/membership.ts';
import type { Password, TapeLabels, WrappedKey } from '../native.ts';

/** A key as the label of a tape carries it. */
export interface TapeKeyConfig {
  labelText: string;
  wrapped: WrappedKey;
}

/** Reads the wrapped key of the tape in the drive; no key is needed for that. */
export function readTapeKey(installation: Installation, access: DriveAccess): Promise<TapeKeyConfig> {
  return withDrive(installation, access, 'read key', async (drive) => {
    const labels = await requireLabels(drive);
    await recordTapeKey(installation, labels);
    return tapeKeyOf(labels);
  });
}

async function tapeKeyOf(labels: TapeLabels): Promise<TapeKeyConfig> {
  const { labelText } = labels.label;
  const set = setLabelOf(labels);
  if (!set?.keyConfig) {
    const why = set ? `its media set ${set.uuid} is not encrypted` : 'it belongs to no media set';
    throw new FerriteError('operator', 'no-key-on-tape', `tape '${labelText}' carries no key: ${why}`);
  }
  const { WrappedKey } = await import('../native.ts');
  try {
    return { labelText, wrapped: WrappedKey.parse(Buffer.from(set.keyConfig)) };
  } catch (error) {
    const { kind, code, message } = toFerriteError(error);
    throw new FerriteError(kind, code, `key on tape '${labelText}': ${message}`, { cause: error });
  }
}

/** Takes the key of a tape into the store, also over the same key under another password; its fingerprint. */
export async function restoreKey(
  installation: Installation,
  { labelText, wrapped }: TapeKeyConfig,
  password: Password,
): Promise<string> {
  try {
    return await importKey(installation, { wrapped, password, overwrite: true });
  } catch (error) {
    const { kind, code } = toFerriteError(error);
    // The key files of this machine have nothing to do with the tape.
    throw kind === 'system' || code === 'damaged-key-file' ? error : aboutTape(labelText, error);
  }
}

/** What a password was proved to open. */
export interface KeyCheck {
  fingerprint: string;
  /** The stored key. False: the key is not stored. */
  stored: boolean;
  /** Label of the tape whose key it opens; null: no tape was checked. */
  tape: string | null;
}

/** What a password is to be tried on. */
export interface KeyCheckSubjects {
  fingerprint: string;
  stored: WrappedKey | undefined;
  onTape: TapeKeyConfig | undefined;
}

/**
 * Finds the stored key, and the one on the tape in the drive. Where no drive is named, `skip` is told why no tape takes part:
 * there is no drive, no tape, or a tape with another key.
 */
export async function findKeyToCheck(
  installation: Installation,
  request: DriveAccess & { fingerprint: string },
  skip: (why: string) => void,
): Promise<KeyCheckSubjects> {
  const fingerprint = request.fingerprint.toLowerCase();
  const stored = await storedKey(installation, fingerprint).catch((error) => {
    if (toFerriteError(error).code !== 'unknown-key') throw error;
    return toFerriteError(error);
  });
  const onTape = await keyOnTape(installation, { ...request, fingerprint }).catch((error) => {
    const { kind, message } = toFerriteError(error);
    if (request.drive !== undefined || kind === 'aborted') throw error;
    skip(message);
    return undefined;
  });
  if (stored instanceof FerriteError) {
    if (!onTape) throw stored;
    return { fingerprint, stored: undefined, onTape };
  }
  return { fingerprint, stored, onTape };
}

async function keyOnTape(
  installation: Installation,
  request: DriveAccess & { fingerprint: string },
): Promise<TapeKeyConfig> {
  const found = await readTapeKey(installation, request);
  const present = found.wrapped.info.fingerprint;
  if (present === request.fingerprint) return found;
  throw new FerriteError('operator', 'other-key', `tape '${found.labelText}' carries another key (${present})`);
}

/** Proves that the password opens the stored key and the one on the tape; rejects where it does not. */
export async function checkKey(subjects: KeyCheckSubjects, password: Password): Promise<KeyCheck> {
  const { fingerprint, stored, onTape } = subjects;
  if (stored) await stored.check(password);
  if (onTape) {
    await onTape.wrapped.check(password).catch((error) => {
      throw aboutTape(onTape.labelText, error, stored !== undefined);
    });
  }
  return { fingerprint, stored: stored !== undefined, tape: onTape?.labelText ?? null };
}

function aboutTape(labelText: string, thrown: unknown, opensStored = false): FerriteError {
  const { kind, code, message } = toFerriteError(thrown);
  const stored = opensStored && code === 'wrong-password' ? 'the password opens the stored key, but ' : '';
  const older =
    code === 'wrong-password'
      ? '. A tape keeps the password that the key had when the tape was first written in its media set'
      : '';
  return new FerriteError(kind, code, `${stored}tape '${labelText}': ${message}${older}`, { cause: thrown });
}
