/** A disk image and a config file to back up beside the folder: made here, so that they may be changed. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, writeFile } from 'node:fs/promises';

/** Images are cut into chunks of this size, each of which is stored once. */
const CHUNK_BYTES = 4 << 20;

/** Writes `chunks` blocks of random data, as many of zeros, and the random ones once more: two thirds deduplicate. */
export async function makeImage(path: string, chunks: number): Promise<number> {
  const file = await open(path, 'wx');
  try {
    for (let index = 0; index < chunks; index++) {
      const data = randomBytes(CHUNK_BYTES);
      await file.write(data, 0, CHUNK_BYTES, index * CHUNK_BYTES);
      await file.write(data, 0, CHUNK_BYTES, (2 * chunks + index) * CHUNK_BYTES);
    }
  } finally {
    await file.close();
  }
  return 3 * chunks * CHUNK_BYTES;
}

/** New random data in the middle of a few chunks, as a running machine would write. */
export async function changeImage(path: string, chunks: number): Promise<void> {
  const file: FileHandle = await open(path, 'r+');
  try {
    for (let index = 0; index < Math.max(1, Math.floor(chunks / 8)); index++) {
      await file.write(randomBytes(4096), 0, 4096, index * 8 * CHUNK_BYTES + 123_456);
    }
  } finally {
    await file.close();
  }
}

export async function writeConfig(path: string, memory: number): Promise<void> {
  await writeFile(path, `name: demonstration\nmemory: ${memory}\nscsi0: disk.img\n`);
}
