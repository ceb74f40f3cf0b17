/** `ferrite-tape/catalog` in Node: opens a file that `catalog export` wrote. */
import { readFile, stat } from 'node:fs/promises';
import { Catalog } from './catalog.ts';
import { checkSize } from './connection.ts';
import { sqlEngine } from './engine.ts';

export * from './slim.ts';

/**
 * Opens an exported catalog: the path of its file, or its bytes. The file is read once and never changed. Throws a
 * FerriteError for what is none, is damaged, too large, or from a newer version.
 */
export async function openCatalog(source: string | URL | Uint8Array): Promise<Catalog> {
  return Catalog.open(await sqlEngine(), source instanceof Uint8Array ? source : await readDatabase(source));
}

async function readDatabase(path: string | URL): Promise<Uint8Array> {
  checkSize((await stat(path)).size);
  return readFile(path);
}
