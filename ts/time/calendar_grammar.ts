/**
 * The grammar of calendar events (spec/config-and-time.md 7.1): text to sets of values. A recursive descent parser over
 * the text; a part that does not match leaves the position where it was.
 */
import { FerriteError } from '../errors.ts';

export interface CalendarEvent {
  readonly text: string;
  /** Monday = 0, in no order; all seven when none are named. */
  readonly weekdays: readonly number[];
  /** Undefined: every year. */
  readonly years: readonly number[] | undefined;
  readonly months: readonly number[];
  readonly days: readonly number[];
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
  readonly seconds: readonly number[];
  readonly utc: boolean;
  /** `24:00` reads as "minute 24 of every hour": accepted in files, refused on input. */
  readonly misleading: boolean;
}

interface Field {
  min: number;
  /** Exclusive. */
  limit: number;
}

const YEAR: Field = { min: 0, limit: 2200 };
const MONTH: Field = { min: 1, limit: 13 };
const DAY: Field = { min: 1, limit: 32 };
const HOUR: Field = { min: 0, limit: 24 };
const MINUTE: Field = { min: 0, limit: 60 };
const SECOND: Field = { min: 0, limit: 60 };

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

const KEYWORDS: Record<string, string> = {
  minutely: '*:*:00',
  hourly: '*:00:00',
  daily: '00:00:00',
  weekly: 'mon 00:00:00',
  monthly: '*-1 00:00:00',
  quarterly: '1,4,7,10-1 00:00:00',
  semiannually: '1,7-1 00:00:00',
  'semi-annually': '1,7-1 00:00:00',
  yearly: '1-1 00:00:00',
  annually: '1-1 00:00:00',
};

/** Values that fields have when their part is absent. */
interface Parts {
  weekdays?: readonly number[];
  date?: { years: readonly number[] | undefined; months: readonly number[]; days: readonly number[] };
  time?: { hours: readonly number[]; minutes: readonly number[]; seconds: readonly number[] };
}

function range(from: number, limit: number, step = 1): number[] {
  const values: number[] = [];
  for (let value = from; value < limit; value += step) values.push(value);
  return values;
}

const every = (field: Field, step = 1): number[] => range(field.min, field.limit, step);

class EventParser {
  private readonly text: string;
  private position = 0;
  /** What stands before `:` was no legal hour, and the text was read as minute:second instead. */
  hourRefused = false;

  constructor(text: string) {
    this.text = text;
  }

  parse(): Parts {
    const weekdays = this.weekdays();
    this.blanks();
    const date = this.date();
    this.blanks();
    const time = this.time();
    if (this.position < this.text.length) this.fail(`unexpected '${this.text.slice(this.position)}'`);
    return { ...(weekdays && { weekdays }), ...(date && { date }), ...(time && { time }) };
  }

  private fail(problem: string): never {
    throw new SyntaxError(problem);
  }

  private blanks(): void {
    this.match(/[ \t]*/y);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) return undefined;
    this.position += found.length;
    return found;
  }

  private take(literal: string): boolean {
    if (!this.text.startsWith(literal, this.position)) return false;
    this.position += literal.length;
    return true;
  }

  /** Runs a part; when it finds nothing, the position stays. */
  private attempt<T>(part: () => T | undefined): T | undefined {
    const start = this.position;
    const result = part();
    if (result === undefined) this.position = start;
    return result;
  }

  private weekdays(): number[] | undefined {
    if (!/[a-z]/i.test(this.text[this.position] ?? '')) return undefined;
    const days = new Set<number>();
    do {
      const first = this.weekday();
      const last = this.take('..') ? this.weekday() : first;
      for (let day = first; ; day = (day + 1) % 7) {
        days.add(day);
        if (day === last) break;
      }
    } while (this.take(','));
    return [...days];
  }

  private weekday(): number {
    const word = this.match(/[a-z]+/iy) ?? this.fail('a day of the week is missing');
    const name = word.toLowerCase();
    const index = WEEKDAYS.findIndex((day) => name === day || name === day.slice(0, 3));
    return index >= 0 ? index : this.fail(`unknown word '${word}'`);
  }

  private date(): Parts['date'] {
    const full = this.attempt(() => {
      const years = this.listWithAny(YEAR);
      if (!years || !this.take('-')) return undefined;
      const rest = this.monthAndDay();
      return rest && { years: years === 'any' ? undefined : years, ...rest };
    });
    if (full) return full;
    const rest = this.attempt(() => this.monthAndDay());
    return rest && { years: undefined, ...rest };
  }

  private monthAndDay(): { months: number[]; days: number[] } | undefined {
    const months = this.list(MONTH);
    if (!months || !this.take('-')) return undefined;
    const days = this.list(DAY);
    return days && { months, days };
  }

  private time(): Parts['time'] {
    const full = this.attempt(() => {
      const hours = this.list(HOUR);
      if (!hours || !this.take(':')) return undefined;
      const rest = this.minuteAndSecond();
      return rest && { hours, minutes: rest.minutes, seconds: rest.seconds };
    });
    if (full) return full;
    const rest = this.attempt(() => this.minuteAndSecond());
    if (!rest) return undefined;
    this.hourRefused = rest.hasSeconds;
    return { hours: every(HOUR), minutes: rest.minutes, seconds: rest.seconds };
  }

  private minuteAndSecond(): { minutes: number[]; seconds: number[]; hasSeconds: boolean } | undefined {
    const minutes = this.list(MINUTE);
    if (!minutes) return undefined;
    const seconds = this.attempt(() => (this.take(':') ? this.list(SECOND) : undefined));
    return { minutes, seconds: seconds ?? [0], hasSeconds: seconds !== undefined };
  }

  private list(field: Field): number[] | undefined {
    const values = this.listWithAny(field);
    return values === 'any' ? every(field) : values;
  }

  /** `any` for a bare `*`, so that years need no upper bound. */
  private listWithAny(field: Field): number[] | 'any' | undefined {
    return this.attempt(() => {
      if (this.take('*')) {
        const step = this.take('/') ? this.number(field) : undefined;
        if (step === 0) return undefined;
        return step === undefined ? 'any' : every(field, step);
      }
      const values = new Set<number>();
      do {
        const item = this.item(field);
        if (!item) return undefined;
        for (const value of item) values.add(value);
      } while (this.take(','));
      return [...values].sort((a, b) => a - b);
    });
  }

  private item(field: Field): number[] | undefined {
    const first = this.number(field);
    if (first === undefined) return undefined;
    const isRange = this.take('..');
    const last = isRange ? this.number(field) : first;
    if (last === undefined || last < first) return undefined;
    if (!this.take('/')) return range(first, last + 1);
    const step = this.number(field);
    if (step === undefined) return undefined;
    if (step === 0) return [first];
    return range(first, isRange ? last + 1 : field.limit, step);
  }

  private number(field: Field): number | undefined {
    const digits = this.match(/[0-9]+/y);
    if (digits === undefined) return undefined;
    const value = Number(digits);
    return value < field.limit ? value : undefined;
  }
}

/**
 * Parses an event as found in a file. Throws a FerriteError (`usage`, `bad-calendar-event`) that names the text and what
 * is wrong with it.
 */
export function parseCalendarEvent(text: string): CalendarEvent {
  const refuse = (problem: string): never => {
    throw new FerriteError('usage', 'bad-calendar-event', `invalid calendar event '${text}': ${problem}`);
  };
  if (/^\s|\s$/.test(text)) refuse('blanks at its start or end');
  const utc = text.endsWith('UTC');
  const body = utc ? text.slice(0, -'UTC'.length).replace(/[ \t]+$/, '') : text;
  if (body === '') refuse('it is empty');
  const parser = new EventParser(Object.hasOwn(KEYWORDS, body) ? (KEYWORDS[body] as string) : body);
  try {
    const { weekdays, date, time } = parser.parse();
    return {
      text,
      weekdays: weekdays ?? [0, 1, 2, 3, 4, 5, 6],
      years: date?.years,
      months: date?.months ?? every(MONTH),
      days: date?.days ?? every(DAY),
      hours: time?.hours ?? [0],
      minutes: time?.minutes ?? [0],
      seconds: time?.seconds ?? [0],
      utc,
      misleading: parser.hourRefused,
    };
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/** Parses an event that a user gives now: what reads differently from what it looks like is refused. */
export function parseCalendarEventInput(text: string): CalendarEvent {
  const event = parseCalendarEvent(text);
  if (event.misleading) {
    throw new FerriteError(
      'usage',
      'bad-calendar-event',
      `invalid calendar event '${text}': hours go from 0 to 23 (it would read as minute:second of every hour)`,
    );
  }
  return event;
}
