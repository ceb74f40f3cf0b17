/** The files that the demonstration backs up, and their digests before anything is done with them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, statfs } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { FerriteError } from '../../ts/errors.ts';

export interface SourceFile {
  /** Below the folder. */
  path: string;
  size: number;
  /** SHA-256 in hex. */
  sha256: string;
}

/** Regular files below a folder that can be read, sorted; symbolic links are not followed. */
export async function listFiles(folder: string): Promise<{ path: string; size: number }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return { path: relative(folder, path), size: (await lstat(path)).size };
      }),
  );
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

export async function digestFolder(folder: string): Promise<SourceFile[]> {
  const digested: SourceFile[] = [];
  for (const file of await listFiles(folder)) {
    try {
      digested.push({ ...file, sha256: await digestFile(join(folder, file.path)) });
    } catch {
      // Not ours to read: the import names it as a warning, and it is in no figure.
    }
  }
  return digested;
}

/** Refuses to start what would fill the disk half way. */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const mib = (value: number): string => `${Math.ceil(value / 2 ** 20)} MiB`;
  throw new FerriteError(
    'system',
    'disk-full',
    `the demonstration needs ${mib(bytes)} below ${folder}, only ${mib(free)} are free: name another place with --work`,
  );
}
