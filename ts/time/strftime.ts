/**
 * The C library's strftime in the C locale (spec/config-and-time.md 8), with glibc's flags and widths. Unknown
 * conversions are copied, as glibc does.
 */
import { DateTime } from 'luxon';
import { findZone } from './zoned_time.ts';

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** A conversion's value before flags: text, or a number with its usual padding. */
type Value = string | { number: number; width: number; pad: '0' | ' ' };

const zeroPadded = (number: number, width: number): Value => ({ number, width, pad: '0' });
const blankPadded = (number: number): Value => ({ number, width: 2, pad: ' ' });

function weekOfYear(time: DateTime, firstWeekday: 0 | 1): number {
  const weekday = (time.weekday - firstWeekday + 7) % 7;
  return Math.floor((time.ordinal + 6 - weekday) / 7);
}

function hour12(time: DateTime): number {
  return time.hour % 12 || 12;
}

function offset(time: DateTime): string {
  const minutes = Math.abs(time.offset);
  const digits = Math.floor(minutes / 60) * 100 + Math.floor(minutes % 60);
  return (time.offset < 0 ? '-' : '+') + String(digits).padStart(4, '0');
}

/** Locales whose names for zones are the usual abbreviations (CET, EST, AEST); others only know `GMT+1`. */
const ZONE_NAME_LOCALES = ['en-US', 'en-GB', 'en-AU', 'en-NZ', 'en-IN', 'en-ZA'];

function zoneName(time: DateTime): string {
  for (const locale of ZONE_NAME_LOCALES) {
    const name = time.setLocale(locale).offsetNameShort;
    if (name && !/[0-9]/.test(name)) return name;
  }
  return offset(time).replace(/00$/, ''); // as the time zone database names zones without abbreviation: +03
}

/** Conversions that stand for a sequence of others. */
const COMPOSED: Record<string, string> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
};

const SIMPLE: Record<string, (time: DateTime) => Value> = {
  a: (t) => (WEEKDAYS[t.weekday % 7] as string).slice(0, 3),
  A: (t) => WEEKDAYS[t.weekday % 7] as string,
  b: (t) => (MONTHS[t.month - 1] as string).slice(0, 3),
  B: (t) => MONTHS[t.month - 1] as string,
  C: (t) => zeroPadded(Math.floor(t.year / 100), 2),
  d: (t) => zeroPadded(t.day, 2),
  e: (t) => blankPadded(t.day),
  g: (t) => zeroPadded(t.weekYear % 100, 2),
  G: (t) => zeroPadded(t.weekYear, 1),
  h: (t) => (MONTHS[t.month - 1] as string).slice(0, 3),
  H: (t) => zeroPadded(t.hour, 2),
  I: (t) => zeroPadded(hour12(t), 2),
  j: (t) => zeroPadded(t.ordinal, 3),
  k: (t) => blankPadded(t.hour),
  l: (t) => blankPadded(hour12(t)),
  m: (t) => zeroPadded(t.month, 2),
  M: (t) => zeroPadded(t.minute, 2),
  n: () => '\n',
  p: (t) => (t.hour < 12 ? 'AM' : 'PM'),
  P: (t) => (t.hour < 12 ? 'am' : 'pm'),
  s: (t) => zeroPadded(Math.floor(t.toSeconds()), 1),
  S: (t) => zeroPadded(t.second, 2),
  t: () => '\t',
  u: (t) => zeroPadded(t.weekday, 1),
  U: (t) => zeroPadded(weekOfYear(t, 0), 2),
  V: (t) => zeroPadded(t.weekNumber, 2),
  w: (t) => zeroPadded(t.weekday % 7, 1),
  W: (t) => zeroPadded(weekOfYear(t, 1), 2),
  y: (t) => zeroPadded(t.year % 100, 2),
  Y: (t) => zeroPadded(t.year, 1),
  z: offset,
  Z: zoneName,
  '%': () => '%',
};

/** `%`, flags, width, modifier, conversion. */
const CONVERSION = /%([_0^#-]*)(\d*)[EO]?([a-zA-Z%])/g;

function applyFlags(value: Value, flags: string, width: string): string {
  const pad = [...flags].findLast((flag) => '_-0'.includes(flag));
  const padChar = pad === '_' ? ' ' : pad === '0' ? '0' : typeof value === 'string' ? ' ' : value.pad;
  const digits = typeof value === 'string' ? value : String(value.number);
  const natural = pad === '-' || typeof value === 'string' ? 0 : value.width;
  const padded = digits.padStart(width === '' ? natural : Math.min(Number(width), 1024), padChar);
  if (flags.includes('^')) return padded.toUpperCase();
  return flags.includes('#') ? swapCase(padded) : padded;
}

/** glibc's `#`: am and pm for AM and PM, capitals for names. */
function swapCase(text: string): string {
  return text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase();
}

function render(template: string, time: DateTime): string {
  return template.replace(CONVERSION, (whole, flags: string, width: string, letter: string) => {
    if (Object.hasOwn(COMPOSED, letter)) {
      return applyFlags(render(COMPOSED[letter] as string, time), flags, width);
    }
    const simple = Object.hasOwn(SIMPLE, letter) ? SIMPLE[letter] : undefined;
    return simple ? applyFlags(simple(time), flags, width) : whole;
  });
}

/** `zone` as in `nextEvent`. */
export function strftime(template: string, epoch: number, zone = 'local'): string {
  return render(template, DateTime.fromSeconds(epoch, { zone: findZone(zone), locale: 'en-US' }));
}

/** `Wed May  1 12:51:30 2024`: how times are shown to people. */
export function renderEpoch(epoch: number, zone = 'local'): string {
  return strftime('%c', epoch, zone);
}
