/** Sizes for people: `1.5 GiB`, `512 MB` (spec/config-and-time.md 11). */
import { FerriteError } from '../errors.ts';

const LETTERS = ['', 'K', 'M', 'G', 'T', 'P'] as const;

export type SizeUnit = 'B' | `${'K' | 'M' | 'G' | 'T' | 'P'}${'' | 'i'}B`;

export interface HumanSize {
  /** Whole bytes, rounded. */
  readonly bytes: number;
  /** The unit that the text named. */
  readonly unit: SizeUnit;
}

const PATTERN = /^(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)\s*([kmgtp]?)(i?)b?$/i;
const MAX_TEXT_LENGTH = 64;

function unitFactor(unit: SizeUnit): number {
  const power = LETTERS.indexOf((unit === 'B' ? '' : unit[0]) as (typeof LETTERS)[number]);
  return (unit.includes('i') ? 1024 : 1000) ** power;
}

function unitNamed(letter: string, binary: boolean): SizeUnit {
  return letter === '' ? 'B' : (`${letter}${binary ? 'i' : ''}B` as SizeUnit);
}

/** Throws a FerriteError (`usage`, `bad-size`) that names the text. */
export function parseHumanSize(text: string): HumanSize {
  const [, number, letter, binary] = (text.length <= MAX_TEXT_LENGTH && PATTERN.exec(text)) || [];
  const unit = unitNamed((letter ?? '').toUpperCase(), binary !== '');
  const bytes = Math.round(Number(number) * unitFactor(unit));
  if (!Number.isFinite(bytes)) {
    throw new FerriteError(
      'usage',
      'bad-size',
      `invalid size '${text}': expected a number and a unit, as 512 MiB or 1.5TB`,
    );
  }
  return { bytes, unit };
}

/** At most three decimals, trailing zeros dropped. Without `unit` the largest one that gives at least 1. */
export function formatHumanSize(bytes: number, unit: SizeUnit | 'binary' | 'decimal' = 'binary'): string {
  const chosen = unit === 'binary' || unit === 'decimal' ? largestUnit(bytes, unit === 'binary') : unit;
  const value = Math.round((bytes / unitFactor(chosen)) * 1000) / 1000;
  return `${value} ${chosen}`;
}

function largestUnit(bytes: number, binary: boolean): SizeUnit {
  const units = LETTERS.map((letter) => unitNamed(letter, binary));
  return units.findLast((unit) => bytes >= unitFactor(unit)) ?? 'B';
}
