/** `ferrite-tape/catalog` in a bundler's build for browsers: the engine comes with its WebAssembly inside. */
import initSqlJs from 'sql.js/dist/sql-wasm-inline.js';
import { Catalog } from './catalog.ts';
import { checkSize, type SqlJsStatic } from './connection.ts';

export * from './slim.ts';

let engine: Promise<SqlJsStatic> | undefined;

/** As in Node; a `Blob` (a dropped file) is asked for its size before it is read. */
export async function openCatalog(source: Blob | Uint8Array): Promise<Catalog> {
  engine ??= initSqlJs();
  return Catalog.open(await engine, source instanceof Uint8Array ? source : await readDatabase(source));
}

async function readDatabase(blob: Blob): Promise<Uint8Array> {
  checkSize(blob.size);
  return new Uint8Array(await blob.arrayBuffer());
}
