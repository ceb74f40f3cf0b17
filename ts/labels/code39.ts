/** Code 39 (ISO/IEC 16388), the symbology of tape labels: no check character, the wide bars 2.75 times the narrow ones. */

/** Nine elements of each character, bar and space in turn; `w` is wide. */
const PATTERNS: Readonly<Record<string, string>> = {
  '0': 'nnnwwnwnn',
  '1': 'wnnwnnnnw',
  '2': 'nnwwnnnnw',
  '3': 'wnwwnnnnn',
  '4': 'nnnwwnnnw',
  '5': 'wnnwwnnnn',
  '6': 'nnwwwnnnn',
  '7': 'nnnwnnwnw',
  '8': 'wnnwnnwnn',
  '9': 'nnwwnnwnn',
  A: 'wnnnnwnnw',
  B: 'nnwnnwnnw',
  C: 'wnwnnwnnn',
  D: 'nnnnwwnnw',
  E: 'wnnnwwnnn',
  F: 'nnwnwwnnn',
  G: 'nnnnnwwnw',
  H: 'wnnnnwwnn',
  I: 'nnwnnwwnn',
  J: 'nnnnwwwnn',
  K: 'wnnnnnnww',
  L: 'nnwnnnnww',
  M: 'wnwnnnnwn',
  N: 'nnnnwnnww',
  O: 'wnnnwnnwn',
  P: 'nnwnwnnwn',
  Q: 'nnnnnnwww',
  R: 'wnnnnnwwn',
  S: 'nnwnnnwwn',
  T: 'nnnnwnwwn',
  U: 'wwnnnnnnw',
  V: 'nwwnnnnnw',
  W: 'wwwnnnnnn',
  X: 'nwnnwnnnw',
  Y: 'wwnnwnnnn',
  Z: 'nwwnwnnnn',
  '*': 'nwnnwnwnn',
};

/** Wide to narrow. */
export const WIDE = 2.75;

/** A bar: where it begins and how wide it is, in narrow elements. */
export interface Bar {
  start: number;
  width: number;
}

export interface Barcode {
  bars: Bar[];
  /** Of the whole symbol, without quiet zones. */
  width: number;
}

/** Bars of a text of capital letters and digits, with the start and stop characters around it. */
export function code39(text: string): Barcode {
  const bars: Bar[] = [];
  let at = 0;
  for (const character of `*${text}*`) {
    const pattern = PATTERNS[character];
    if (pattern === undefined) throw new RangeError(`'${character}' cannot be in a barcode label`);
    for (const [index, element] of [...pattern].entries()) {
      const width = element === 'w' ? WIDE : 1;
      if (index % 2 === 0) bars.push({ start: at, width });
      at += width;
    }
    at += 1; // the gap between characters
  }
  return { bars, width: at - 1 };
}
