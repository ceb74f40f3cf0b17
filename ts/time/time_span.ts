/** Time spans such as `2 weeks` or `1h 30min` (spec/config-and-time.md 10). */
import { FerriteError } from '../errors.ts';

export interface TimeSpan {
  readonly text: string;
  /** With fractions. */
  readonly seconds: number;
  /** Truncated: what retention uses. */
  readonly wholeSeconds: number;
}

const NANOSECOND = 1n;
const SECOND = 1_000_000_000n;

/** Length in nanoseconds and names of each unit; a month is 30.44 days, a year 365.25. */
const UNITS: ReadonlyArray<[bigint, string[]]> = [
  [31_557_600n * SECOND, ['years', 'year', 'y']],
  [2_630_016n * SECOND, ['months', 'month', 'M']],
  [604_800n * SECOND, ['weeks', 'week', 'w']],
  [86_400n * SECOND, ['days', 'day', 'd']],
  [3_600n * SECOND, ['hours', 'hour', 'hr', 'h']],
  [60n * SECOND, ['minutes', 'minute', 'min', 'm']],
  [SECOND, ['seconds', 'second', 'sec', 's', '']],
  [1_000_000n, ['msec', 'ms']],
  [1_000n, ['usec', 'us', '\u00b5s']],
  [NANOSECOND, ['nsec', 'ns']],
];

const UNIT_LENGTHS = new Map(UNITS.flatMap(([length, names]) => names.map((name) => [name, length] as const)));

/** The most seconds that PBS's unsigned 64 bit number holds. */
const MAX_NUMBER = 2n ** 64n - 1n;

/** Throws a FerriteError (`usage`, `bad-time-span`) that names the text and what is wrong with it. */
export function parseTimeSpan(text: string): TimeSpan {
  const refuse = (problem: string): never => {
    throw new FerriteError('usage', 'bad-time-span', `invalid time span '${text}': ${problem}`);
  };
  const part = /\s*([0-9]+)\s*([a-zA-Z\u00b5]*)\s*/y;
  let nanoseconds = 0n;
  let position = 0;
  if (text.trim() === '') refuse('it is empty');
  while (position < text.length) {
    part.lastIndex = position;
    const [all, digits, unit] = part.exec(text) ?? [];
    if (all === undefined || digits === undefined || unit === undefined) {
      return refuse(`expected a number at '${text.slice(position)}'`);
    }
    const length = UNIT_LENGTHS.get(unit) ?? refuse(`unknown unit '${unit}'`);
    const count = BigInt(digits);
    nanoseconds += count * length;
    if (count > MAX_NUMBER || nanoseconds / SECOND > MAX_NUMBER) refuse('it is too long');
    position += all.length;
  }
  return {
    text,
    seconds: Number(nanoseconds) / 1e9,
    wholeSeconds: Number(nanoseconds / SECOND),
  };
}

const SHORT_UNITS = UNITS.slice(0, 6).map(
  ([length, names]) => [Number(length / SECOND), names.at(-1) as string] as const,
);

/** Largest unit first: `1w 3d 4h 30m 15s`. Less than a tenth of a second is `<0.1s`. */
export function formatTimeSpan(seconds: number): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const [length, name] of SHORT_UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) parts.push(`${count}${name}`);
  }
  const tenths = Math.round(rest * 10) / 10;
  if (tenths > 0 || (parts.length === 0 && rest === 0)) parts.push(`${tenths}s`);
  else if (parts.length === 0) parts.push('<0.1s');
  return parts.join(' ');
}
