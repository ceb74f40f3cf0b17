/** The files of a datastore: in and out of the page cache, and compared byte by byte by their digests. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { FerriteError } from '../../ts/errors.ts';
import { run } from './measure.ts';

const PIECE_BYTES = 1 << 20;
const piece = Buffer.alloc(PIECE_BYTES);

export interface StoreFiles {
  folder: string;
  /** Paths of chunk files below the folder, in the order in which a backup reads them. */
  chunks: string[];
  /** Bytes of the chunk files. */
  chunkBytes: number;
  /** SHA-256 of every chunk file and every file of a snapshot, by path below the folder. */
  digests: Map<string, string>;
}

/** Lists and digests a datastore. */
export function readStoreFiles(folder: string): StoreFiles {
  const chunkFolder = join(folder, '.chunks');
  const found = readdirSync(chunkFolder)
    .flatMap((part) => readdirSync(join(chunkFolder, part)).map((name) => join('.chunks', part, name)))
    .map((path) => ({ path, ...inodeAndSize(join(folder, path)) }))
    .sort((a, b) => a.inode - b.inode);
  const chunks = found.map(({ path }) => path);
  const digests = new Map(
    [...chunks, ...snapshotFiles(folder)].map((path) => [path, digestFile(join(folder, path))] as const),
  );
  return { folder, chunks, chunkBytes: found.reduce((sum, { bytes }) => sum + bytes, 0), digests };
}

function inodeAndSize(path: string): { inode: number; bytes: number } {
  const { ino, size } = statSync(path);
  return { inode: ino, bytes: size };
}

function snapshotFiles(folder: string): string[] {
  return readdirSync(join(folder, 'vm'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'owner')
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** Reads a file piece by piece. */
function readThrough(path: string, use: (bytes: Buffer) => void): void {
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const length = readSync(file, piece);
      if (length === 0) return;
      use(piece.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

function digestFile(path: string): string {
  const hash = createHash('sha256');
  readThrough(path, (bytes) => hash.update(bytes));
  return hash.digest('hex');
}

/** An error unless every chunk and every file of every snapshot is in `folder`, byte for byte. Answers how many these were. */
export function compareStores(source: StoreFiles, folder: string): number {
  for (const [path, digest] of source.digests) {
    const restored = join(folder, path);
    const problem = !existsSync(restored) ? 'is missing' : digestFile(restored) !== digest ? 'differs' : undefined;
    if (problem !== undefined) {
      throw new FerriteError(
        'data',
        'restored-differs',
        `after the restore ${restored} ${problem} from ${source.folder}`,
      );
    }
  }
  return source.digests.size;
}

/** Takes everything out of a datastore but the folders of its chunks: deleting those slows down whatever comes next. */
export function emptyStore(source: StoreFiles, folder: string): void {
  for (const path of source.chunks) {
    const chunk = join(folder, path);
    if (existsSync(chunk)) unlinkSync(chunk);
  }
  rmSync(join(folder, 'vm'), { recursive: true, force: true });
}

/** Reads files into the page cache. */
export function warm(paths: Iterable<string>): void {
  for (const path of paths) readThrough(path, () => {});
}

/** Takes files out of the page cache (posix_fadvise DONTNEED, which dd's `nocache` flag stands for). */
export async function cool(list: string): Promise<void> {
  await run('xargs', ['-0', '-a', list, '-I', '{}', 'dd', 'if={}', 'iflag=nocache', 'count=0', 'status=none']);
}

/** Writes a list of files as xargs -0 takes it. */
export function writeList(list: string, paths: readonly string[]): void {
  writeFileSync(list, paths.map((path) => `${path}\0`).join(''));
}
