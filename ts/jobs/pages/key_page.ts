/** The page that opens, checks and prints a key without a server: `key page`. */
import { type PageSummary, readPage, writePage } from './page_file.ts';

export type KeyPageSummary = PageSummary;

/** Writes the page; an older one there is replaced. There is no key in it. */
export async function keyPage(request: { file: string }): Promise<KeyPageSummary> {
  return writePage(request.file, await readPage('paper-key'), 0o644);
}
