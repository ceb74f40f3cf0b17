/** The first line of standard input: how secrets come to commands that have no terminal (D26). */
import { createInterface } from 'node:readline';
import { FerriteError } from '../../errors.ts';

export async function firstLine(stdin: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdin })) if (line !== '') return line;
  throw new FerriteError('usage', 'no-input', 'nothing was read from standard input');
}
