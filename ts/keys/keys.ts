/** The life of a tape key (behaviour.md 21): made, shown, taken in, put under another password, printed, removed. */
import { open } from 'node:fs/promises';
import { type Installation, now } from '../config/installation.ts';
import { FerriteError, toFerriteError } from '../errors.ts';
import { readKeyRecords, recordPaperKey } from '../media/key_records.ts';
import type { KeyDerivation, KeyInfo, PaperFormat, Password, WrappedKey } from '../native.ts';
import { knownKeys } from './key_hints.ts';
import { keyWrapping, openKeyStore, withLockedKeys } from './key_store.ts';
import { keyUse, useInWords } from './key_use.ts';

export interface NewKey {
  /** What reminds of the password. */
  hint: string;
  /** scrypt where not given; `none` is refused (D27). */
  kdf?: KeyDerivation | undefined;
  password: Password;
}

/** A password from UTF-8 bytes, at least five. The buffer is overwritten, also when they are refused. */
export async function passwordFrom(bytes: Buffer): Promise<Password> {
  const { Password } = await import('../native.ts');
  return Password.fromBytes(bytes);
}

/** Makes a random key; its fingerprint. */
export function createKey(installation: Installation, request: NewKey): Promise<string> {
  return withLockedKeys(installation, (store) => store.create(keyWrapping(installation, request)));
}

/** What is known of the keys without their passwords, in the order of the file. */
export async function listKeys(installation: Installation): Promise<KeyInfo[]> {
  return (await (await openKeyStore(installation)).list()).keys;
}

/** One key; a FerriteError (`operator`, `unknown-key`) where there is none with this fingerprint. */
export async function keyInfo(installation: Installation, fingerprint: string): Promise<KeyInfo> {
  return (await storedKey(installation, fingerprint)).info;
}

/** What to say where a tape needs a key that is not stored; undefined: it is stored. */
export async function missingKeyNote(installation: Installation, fingerprint: string): Promise<string | undefined> {
  const keys = await listKeys(installation);
  if (keys.some((key) => key.fingerprint === fingerprint.toLowerCase())) return undefined;
  const hint = (await knownKeys(installation)).get(fingerprint.toLowerCase())?.hint;
  const reminder = hint === undefined ? '' : ` (password hint: '${hint}')`;
  return (
    `the tape's data is encrypted with key ${fingerprint}${reminder}, which is not stored here: 'proxmox-tape key restore' takes it ` +
    "from this tape, 'proxmox-tape key import' from a key file or paper key"
  );
}

/**
 * What to say where a pool is told to encrypt with a key that is not stored; undefined: it is stored. No reason to refuse:
 * PBS takes such a pool, and a machine that is set up again may have its pools before its keys.
 */
export async function poolKeyNote(installation: Installation, fingerprint: string): Promise<string | undefined> {
  const isStored = await listKeys(installation).then(
    (keys) => keys.some((key) => key.fingerprint === fingerprint.toLowerCase()),
    (error) => toFerriteError(error),
  );
  if (isStored === true) return undefined;
  const why = isStored === false ? 'is not stored here' : `is perhaps not stored here (${isStored.message})`;
  return (
    `key ${fingerprint.toLowerCase()} ${why}: jobs of this pool fail until it is. 'proxmox-tape key restore' takes it from one ` +
    "of its tapes, 'proxmox-tape key import <file>' from a key file or paper key; 'proxmox-tape key list' lists the keys that " +
    "are stored, 'proxmox-tape key create' makes a new one"
  );
}

/** The key under its password. */
export async function storedKey(installation: Installation, fingerprint: string): Promise<WrappedKey> {
  return (await openKeyStore(installation)).wrapped(fingerprint);
}

export interface PassphraseChange {
  /** Undefined: the plain key file tells the key, for who may read it. */
  current: Password | undefined;
  password: Password;
  /** The present one where not given. */
  hint?: string | undefined;
  kdf?: KeyDerivation | undefined;
}

/** Puts a key under another password. Gives the labels of tapes that keep another one: it stands in front of their data. */
export async function changeKeyPassphrase(
  installation: Installation,
  fingerprint: string,
  change: PassphraseChange,
): Promise<string[]> {
  await withLockedKeys(installation, (store) =>
    store.changePassword(fingerprint, change.current, keyWrapping(installation, change)),
  );
  const { mediaSets } = await keyUse(installation, fingerprint);
  return mediaSets.flatMap(({ tapes }) => tapes.map(({ labelText }) => labelText));
}

/** Removes a key. One that pools or tapes need only with `force` (D28). */
export async function removeKey(
  installation: Installation,
  fingerprint: string,
  options: { digest?: string | undefined; force?: boolean | undefined } = {},
): Promise<void> {
  await withLockedKeys(installation, async (store) => {
    const { keys } = await store.list();
    const isKnown = keys.some((key) => key.fingerprint === fingerprint.toLowerCase());
    const use = useInWords(await keyUse(installation, fingerprint));
    if (isKnown && use !== '' && !options.force) {
      throw new FerriteError(
        'operator',
        'key-in-use',
        `key ${fingerprint} is needed by ${use}: without it their tapes cannot be read, nor written to. Keep a paper key ` +
          "and its password ('proxmox-tape key paperkey'), then use --force to remove it all the same",
      );
    }
    await store.remove(fingerprint, options.digest);
  });
}

/** The most that a file with a key can have: photos have some mebibytes. */
const MAX_KEY_FILE_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

/**
 * A key under its password out of a key file, a paper key that was typed, saved or mailed, or a scan or photo of one (PNG,
 * JPEG).
 */
export async function readKeyFile(path: string): Promise<WrappedKey> {
  const { WrappedKey } = await import('../native.ts');
  const bytes = await readLimited(path);
  try {
    return await WrappedKey.read(bytes);
  } catch (error) {
    const { kind, code, message } = toFerriteError(error);
    throw new FerriteError(kind, code, `${path}: ${message}`, { cause: error });
  }
}

async function readLimited(path: string): Promise<Buffer> {
  const file = await open(path, 'r').catch((error) => {
    throw new FerriteError('usage', 'no-file', `cannot read ${path}: ${toFerriteError(error).message}`);
  });
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for (;;) {
      const piece = Buffer.alloc(READ_BYTES);
      const { bytesRead } = await file.read(piece);
      if (bytesRead === 0) return Buffer.concat(pieces, length);
      pieces.push(piece.subarray(0, bytesRead));
      length += bytesRead;
      if (length > MAX_KEY_FILE_BYTES) throw new FerriteError('data', 'no-key', `${path} is too long for a key`);
    }
  } catch (error) {
    const { kind, code, message } = toFerriteError(error);
    throw code === 'no-key' ? error : new FerriteError(kind, code, `cannot read ${path}: ${message}`, { cause: error });
  } finally {
    for (const piece of pieces) piece.fill(0); // there are keys without password
    await file.close();
  }
}

export interface KeyImport {
  wrapped: WrappedKey;
  password: Password;
  /** Replaces the hint that it has. */
  hint?: string | undefined;
  /** The key may be there already; from now on it has the password of what is taken in. */
  overwrite?: boolean | undefined;
}

/** Takes a key into the store if the password opens it; its fingerprint. */
export function importKey(installation: Installation, request: KeyImport): Promise<string> {
  const { wrapped, password, hint, overwrite = false } = request;
  return withLockedKeys(installation, (store) => store.importKey(wrapped, password, hint, overwrite));
}

/** A key to be printed and kept where the tapes are not: text or a page, with a QR code. Remembers that it was made. */
export async function paperKey(
  installation: Installation,
  fingerprint: string,
  options: { format?: PaperFormat | undefined; subject?: string | undefined } = {},
): Promise<string> {
  const wrapped = await storedKey(installation, fingerprint);
  const paper = wrapped.paper(options.format ?? ('html' as PaperFormat), options.subject);
  const { modified, hint } = wrapped.info;
  const record = { made: now(installation), modified, ...(hint !== undefined && { hint }) };
  await recordPaperKey(installation, fingerprint.toLowerCase(), record);
  return paper;
}

/** When a key was last printed; undefined where it never was, as far as is known. */
export async function paperKeyMade(installation: Installation, fingerprint: string): Promise<number | undefined> {
  return (await readKeyRecords(installation)).papers[fingerprint.toLowerCase()]?.made;
}
