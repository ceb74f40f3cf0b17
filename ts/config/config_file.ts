/** Section config files on disk: read without lock, changed under PBS's lock, replaced atomically. */
import { readFile } from 'node:fs/promises';
import { FerriteError, toFerriteError } from '../errors.ts';
import { ConfigDocument } from './config_document.ts';
import { type Installation, lockFile } from './installation.ts';
import type { ConfigFileName } from './paths.ts';
import { replaceFile } from './replace_file.ts';
import type { SectionType } from './section_types.ts';

const CONFIG_MODE = 0o640;
/** Passwords: for the administrator alone. */
const SECRETS_MODE = 0o600;

/** A missing file is empty. What was not understood goes to the installation's notices. */
export async function readConfig(
  installation: Installation,
  name: ConfigFileName,
  types: readonly SectionType[],
): Promise<ConfigDocument> {
  const path = installation.paths.configFile(name);
  const document = new ConfigDocument(await readBytes(path), path, types);
  for (const { line, message } of document.notices) installation.notice(`${path}:${line}: ${message}`);
  return document;
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Uint8Array();
    const cause = toFerriteError(error);
    throw new FerriteError('system', cause.code, `cannot read ${path}: ${cause.message}`, { cause: error });
  }
}

/**
 * Changes a config file: lock, read, compare the digest the caller has seen, `change`, check, replace. A file whose
 * content stays the same is not written, so one that PBS or a person wrote keeps its form.
 */
export async function updateConfig<Result>(
  installation: Installation,
  name: ConfigFileName,
  types: readonly SectionType[],
  change: (document: ConfigDocument) => Result | Promise<Result>,
  digest?: string,
): Promise<Result> {
  const path = installation.paths.configFile(name);
  const lock = await lockFile(installation, installation.paths.configLock(name), path);
  try {
    const document = await readConfig(installation, name, types);
    if (digest !== undefined && digest !== document.digest) {
      throw new FerriteError(
        'usage',
        'digest-mismatch',
        `${path} was changed meanwhile (its digest is ${document.digest}): look at it again, then repeat the command`,
      );
    }
    const result = await change(document);
    if (document.isChanged) {
      await replaceFile(installation, path, document.print(), {
        mode: name === 'ferrite-secrets.cfg' ? SECRETS_MODE : CONFIG_MODE,
        owner: configOwner(installation),
      });
    }
    return result;
  } finally {
    lock.release();
  }
}

/** root:backup, so that the service user reads but cannot change it. */
function configOwner(installation: Installation): { uid: number; gid: number } | undefined {
  return installation.owner && { uid: 0, gid: installation.owner.gid };
}
