/** The offline pages: one HTML file each, built by scripts/build-pages, into which data can be put. */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { FerriteError } from '../../errors.ts';

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
