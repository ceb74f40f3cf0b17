/** The offline pages: one HTML file each, built by scripts/build-pages, into which data can be put. */
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { FerriteError, toFerriteError } from '../../errors.ts';

/** Data put into a finished page goes in front of this. */
export const DATA_MARKER = '<!--embedded data-->';

/** The page as it was built. Throws a FerriteError where the pages were not. */
export async function readPage(name: string): Promise<string> {
  try {
    return await readFile(new URL(`../../../pages/${name}.html`, import.meta.url), 'utf8');
  } catch (error) {
    const message = `the page '${name}' was not built: run scripts/build-wasm and scripts/build-pages in the checkout`;
    throw new FerriteError('system', 'no-page', message, { cause: error });
  }
}

/** A page that was written. */
export interface PageSummary {
  /** With its whole path. */
  file: string;
  bytes: number;
}

/** Writes a page; an older page there is replaced. */
export async function writePage(path: string, html: string, mode: number): Promise<PageSummary> {
  const file = resolve(path);
  try {
    await refuseOther(file);
    await writeFile(file, html, { mode });
  } catch (error) {
    const { kind, code, message } = toFerriteError(error);
    throw new FerriteError(kind, code, `cannot write ${file}: ${message}`, { cause: error });
  }
  return { file, bytes: Buffer.byteLength(html) };
}

/** A typing error must not cost a file that is something else. */
async function refuseOther(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile() || found.size === 0) return;
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(9), 0, 9, 0);
    if (/^<!doctype/i.test(buffer.toString('latin1'))) return;
  } finally {
    await handle.close();
  }
  throw new FerriteError('usage', 'exists', 'it exists and is no page: choose another name, or remove it');
}

/** An element that no browser runs. Packed, because base64 makes it longer by a third. */
export async function embeddedElement(name: string, bytes: Uint8Array): Promise<string> {
  const packed = await promisify(gzip)(bytes, { level: 6 });
  return `<script type="application/gzip" id="embedded-${name}">${packed.toString('base64')}</script>`;
}

/** The page with data in it, for `embeddedBytes` of ts/browser. */
export async function withEmbedded(page: string, name: string, bytes: Uint8Array): Promise<string> {
  const element = await embeddedElement(name, bytes);
  return page.replace(DATA_MARKER, () => `${element}\n${DATA_MARKER}`);
}
