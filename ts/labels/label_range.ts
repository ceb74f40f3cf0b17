/** Barcodes of cartridges: six characters that count up, and two that name the generation. */
import { FerriteError } from '../errors.ts';

/** Media identifiers of LTO cartridges: data, WORM (LT to LZ) and cleaning. */
export const GENERATIONS = [
  'L1',
  'L2',
  'L3',
  'L4',
  'L5',
  'L6',
  'L7',
  'L8',
  'L9',
  'LA',
  'M8',
  'LT',
  'LU',
  'LV',
  'LW',
  'LX',
  'LY',
  'LZ',
  'CU',
] as const;
export type Generation = (typeof GENERATIONS)[number];

/** Characters in front of the generation. */
const NUMBER_PLACES = 6;

export interface LabelRange {
  /** Capital letters and digits, at most five. */
  prefix: string;
  start: number;
  count: number;
  generation: Generation;
}

/** `TAPE01L8`, `TAPE02L8` and so on. Throws a FerriteError (`usage`, `bad-label`). */
export function labelTexts({ prefix, start, count, generation }: LabelRange): string[] {
  if (!/^[A-Z0-9]{0,5}$/.test(prefix)) {
    throw new FerriteError('usage', 'bad-label', `prefix '${prefix}': at most five capital letters and digits`);
  }
  const places = NUMBER_PLACES - prefix.length;
  const last = start + count - 1;
  if (!Number.isInteger(start) || !Number.isInteger(count) || start < 0 || count < 1 || String(last).length > places) {
    const most = '9'.repeat(places);
    throw new FerriteError('usage', 'bad-label', `behind prefix '${prefix}' there are numbers from 0 to ${most} alone`);
  }
  return Array.from({ length: count }, (_, at) => `${prefix}${String(start + at).padStart(places, '0')}${generation}`);
}
