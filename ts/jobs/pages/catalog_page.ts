/** The page over a catalog that works without a server: `catalog page`. */
import { readFile, stat } from 'node:fs/promises';
import { CatalogConnection } from '../../catalog/connection.ts';
import { sqlEngine } from '../../catalog/engine.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import { type PageSummary, readPage, withEmbedded, writePage } from './page_file.ts';

export interface CatalogPageRequest {
  /** The page to write; an older one there is replaced. */
  file: string;
  /** An exported catalog to put into it. */
  embed?: string | undefined;
}

export type CatalogPageSummary = PageSummary;

/** Browsers read a page as one text, which ends at 512 MiB in some; packed catalogs have a fifth of their size. */
const LARGEST_EMBEDDED_BYTES = 750_000_000;

export async function catalogPage(request: CatalogPageRequest): Promise<CatalogPageSummary> {
  const page = await readPage('catalog');
  const html =
    request.embed === undefined ? page : await withEmbedded(page, 'catalog', await readExport(request.embed));
  return writePage(request.file, html, 0o640);
}

/** Only what the page will be able to open. */
async function readExport(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > LARGEST_EMBEDDED_BYTES) {
    const message = `${path} is too large for a page (${(size / 1e9).toFixed(1)} GB): open it in the page instead, or export less`;
    throw new FerriteError('usage', 'too-large', message);
  }
  const bytes = await readFile(path);
  try {
    const connection = CatalogConnection.open(await sqlEngine(), bytes);
    connection.check();
    connection.close();
  } catch (error) {
    const { kind, code, message } = toFerriteError(error);
    throw new FerriteError(kind, code, `${path}: ${message}`, { cause: error });
  }
  return bytes;
}
