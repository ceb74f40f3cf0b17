/** Options of Linux's tape driver by name or number, as `pmt stoptions` and its kin take them (cli.md 5). */
import { FerriteError } from '../../errors.ts';

/** Names for completion and help; D17: both spellings of `scsi2logical` are understood. */
export const driverOptionNames = [
  'buffer-writes',
  'async-writes',
  'read-ahead',
  'debugging',
  'two-fm',
  'fast-mteom',
  'auto-lock',
  'def-writes',
  'can-bsr',
  'no-blklims',
  'can-partitions',
  'scsi2logical',
  'sysv',
  'nowait',
  'sili',
] as const;

const DEFAULTS = ['buffer-writes', 'async-writes', 'read-ahead', 'can-bsr'];

/** The bits of all words, ORed. */
export async function driverOptionBits(words: readonly string[]): Promise<number> {
  const { driverOptionBit } = await import('../../native.ts');
  let bits = 0;
  for (const word of words) {
    const bit = /^(0x[0-9a-f]+|[0-9]+)$/i.test(word) ? Number(word) : driverOptionBit(word);
    if (bit === null || bit > 0xffff) {
      const message = `parameter 'options': '${word}' is no option of the tape driver (${driverOptionNames.join(', ')})`;
      throw new FerriteError('usage', 'bad-parameter', message);
    }
    bits |= bit;
  }
  return bits;
}

/** `stoptions`: exactly what is named, or the driver's sensible defaults; nothing named turns all off. */
export async function replacementBits(words: readonly string[], defaults: boolean): Promise<number> {
  if (!defaults) return driverOptionBits(words);
  if (words.length === 0) return driverOptionBits(DEFAULTS);
  const message = "parameter 'defaults' cannot be given together with options";
  throw new FerriteError('usage', 'bad-parameter', message);
}
