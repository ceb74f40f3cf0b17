/**
 * The key in the drive (behaviour.md 21). Labels are written and read without one; everything behind them in an encrypted media
 * set passes through the drive's cipher, with a key made of the pool's key and the set's UUID. The Rust core takes the key out
 * of the drive again whenever a label is written, a tape leaves, a call fails, or the drive is closed.
 */
import type { Installation } from '../config/installation.ts';
import type { PoolConfig } from '../config/pool_sections.ts';
import { FerriteError, toFerriteError } from '../errors.ts';
import { openKeyStore } from '../keys/key_store.ts';
import type { OpenDrive } from '../library/drives/drive.ts';
import type { WorkLog } from '../log.ts';
import { wrappingOnTape } from '../media/key_records.ts';
import { setLabelOf } from '../media/membership.ts';
import type { TapeKey, TapeLabels } from '../native.ts';

/** What an encrypted media set is written with. */
export interface SetEncryption {
  readonly key: TapeKey;
  /** The key under its password, as the set label carries it. */
  readonly keyConfig: string;
}

/** Undefined: the pool does not encrypt. Rejects where the key is not at hand, before anything is touched. */
export async function poolEncryption(
  installation: Installation,
  { name, encrypt }: PoolConfig,
): Promise<SetEncryption | undefined> {
  if (encrypt === undefined) return undefined;
  const store = await openKeyStore(installation);
  try {
    const wrapped = await store.wrapped(encrypt);
    return { key: await store.unlock(encrypt), keyConfig: wrapped.labelJson() };
  } catch (error) {
    const { kind, code, message } = toFerriteError(error);
    throw new FerriteError(kind, code, `pool '${name}' cannot be written to: ${message}`, { cause: error });
  }
}

/**
 * Rejects where the drive takes no key at all, before a tape is taken for the set. One that cannot tell without a tape is
 * asked again when it has one.
 */
export async function requireEncryption(drive: OpenDrive, encryption: SetEncryption | undefined): Promise<void> {
  if (!encryption) return;
  const why = await whyNoKeys(drive);
  if (why !== undefined)
    throw new FerriteError('operator', 'encryption', `${cannotEncrypt(drive, encryption)}: ${why}`);
}

/** Sets the key of a media set, or makes sure that there is none. */
export async function prepareToWrite(
  drive: OpenDrive,
  mediaSetUuid: string,
  encryption: SetEncryption | undefined,
): Promise<void> {
  if (!encryption) return drive.tape.setEncryption(null);
  try {
    await drive.tape.setEncryption({ key: encryption.key, mediaSetUuid });
  } catch (error) {
    const { kind, code, message } = toFerriteError(error);
    const what = cannotEncrypt(drive, encryption);
    const why = await whyNoKeys(drive);
    if (why === undefined) throw new FerriteError(kind, code, `${what}: ${message}`, { cause: error });
    throw new FerriteError('operator', 'encryption', `${what}: ${why}`, { cause: error });
  }
}

function cannotEncrypt({ name }: OpenDrive, { key }: SetEncryption): string {
  return `nothing was written: drive '${name}' cannot encrypt with key ${key.fingerprint}`;
}

/** Undefined: it takes keys, or cannot tell. */
async function whyNoKeys({ tape }: OpenDrive): Promise<string | undefined> {
  switch (await tape.encryptionMode().catch(() => undefined)) {
    case 'managed':
      return (
        'its library, or a policy of the drive, decides about encryption. Set it to leave that to programs (application ' +
        "managed), or do not encrypt the pool ('proxmox-tape pool update <pool> --delete encrypt')"
      );
    case 'unsupported':
      return 'it has no hardware encryption; LTO-4 drives and newer ones have';
    default:
      return undefined;
  }
}

/**
 * Sets the key that what lies behind the labels of the tape in the drive was written with, or makes sure that there is none.
 * Rejects (`key-missing`) where it is not stored, and says how to get it.
 */
export async function prepareToRead(
  installation: Installation,
  drive: OpenDrive,
  labels: TapeLabels,
  log: Pick<WorkLog, 'info'>,
): Promise<void> {
  const set = setLabelOf(labels);
  const fingerprint = set?.encryptionKeyFingerprint;
  if (!set || fingerprint === undefined) return drive.tape.setEncryption(null);
  const key = await keyOfTape(installation, labels, fingerprint);
  try {
    await drive.tape.setEncryption({ key, mediaSetUuid: set.uuid });
  } catch (error) {
    const { kind, code, message } = toFerriteError(error);
    const what = `tape '${labels.label.labelText}' is encrypted, and drive '${drive.name}' cannot decrypt it`;
    throw new FerriteError(kind, code, `${what}: ${message}`, { cause: error });
  }
  log.info(`loaded encryption key ${fingerprint.slice(0, 23)} into drive '${drive.name}'`);
}

async function keyOfTape(installation: Installation, labels: TapeLabels, fingerprint: string): Promise<TapeKey> {
  try {
    return await (await openKeyStore(installation)).unlock(fingerprint);
  } catch (error) {
    const { code } = toFerriteError(error);
    if (code !== 'unknown-key' && code !== 'no-plain-key') throw error;
    const hint = wrappingOnTape(labels)?.hint;
    throw new FerriteError(
      'operator',
      'key-missing',
      `tape '${labels.label.labelText}' is encrypted with key ${fingerprint} ` +
        `(${hint === undefined ? 'no password hint' : `password hint: '${hint}'`}), which is not stored here: with this ` +
        "tape in the drive run 'proxmox-tape key restore', which asks for its password, or run " +
        "'proxmox-tape key import <file>' with its key file or paper key; then run this again",
      { cause: error },
    );
  }
}
