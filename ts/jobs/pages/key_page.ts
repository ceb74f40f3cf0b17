/** The page that opens, checks and prints a key without a server: `key page`. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FerriteError, toFerriteError } from '../../errors.ts';
import { readPage } from './page_file.ts';

export interface KeyPageSummary {
  file: string;
  bytes: number;
}

/** Writes the page; an older one there is replaced. There is no key in it. */
export async function keyPage(request: { file: string }): Promise<KeyPageSummary> {
  const html = await readPage('paper-key');
  const file = resolve(request.file);
  try {
    await writeFile(file, html, { mode: 0o644 });
  } catch (error) {
    const { kind, code, message } = toFerriteError(error);
    throw new FerriteError(kind, code, `cannot write ${file}: ${message}`, { cause: error });
  }
  return { file, bytes: Buffer.byteLength(html) };
}
