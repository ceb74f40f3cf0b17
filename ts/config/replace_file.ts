/**
 * Replaces a file so that readers see the old content or the new, never a mix, also after a power cut: temporary file
 * beside the target, mode and owner, fsync, rename, fsync of the directory.
 */
import { randomInt } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { FerriteError, toFerriteError } from '../errors.ts';
import type { FileOwner } from './file_lock.ts';
import { ensureDirectory, fileMode, type Installation } from './installation.ts';

const SUFFIX_CHARS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const MAX_ATTEMPTS = 100;

/** The name PBS gives a temporary file: the last extension replaced by `tmp_XXXXXX`. */
function temporaryName(path: string): string {
  const suffix = Array.from({ length: 6 }, () => SUFFIX_CHARS[randomInt(SUFFIX_CHARS.length)]).join('');
  return join(dirname(path), `${basename(path, extname(path))}.tmp_${suffix}`);
}

async function createTemporary(path: string): Promise<{ name: string; file: FileHandle }> {
  for (let attempt = 1; ; attempt++) {
    const name = temporaryName(path);
    try {
      return { name, file: await open(name, 'wx', 0o600) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export interface ReplaceOptions {
  /** Of a file that belongs to the service user; narrowed to the caller's bits where there is none. */
  mode: number;
  /** Undefined: stays with the calling user. */
  owner: FileOwner | undefined;
}

/** Writes `content` to `path`. The directory is created when it is missing. */
export async function replaceFile(
  installation: Installation,
  path: string,
  content: string | Uint8Array,
  options: ReplaceOptions,
): Promise<void> {
  try {
    await ensureDirectory(installation, dirname(path));
    const { name, file } = await createTemporary(path);
    try {
      await writeAndSync(file, content, { ...options, mode: fileMode(installation, options.mode) });
      await rename(name, path);
    } catch (error) {
      await unlink(name).catch(() => undefined); // the first error is the one to report
      throw error;
    }
    await syncDirectory(dirname(path));
  } catch (error) {
    const cause = toFerriteError(error);
    throw new FerriteError(cause.kind, cause.code, `cannot write ${path}: ${cause.message}`, { cause: error });
  }
}

async function writeAndSync(file: FileHandle, content: string | Uint8Array, options: ReplaceOptions): Promise<void> {
  try {
    await file.writeFile(content);
    await file.chmod(options.mode);
    if (options.owner) await file.chown(options.owner.uid, options.owner.gid);
    await file.sync();
  } finally {
    await file.close();
  }
}
