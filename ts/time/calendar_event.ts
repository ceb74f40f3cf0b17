/**
 * When a calendar event is due: the smallest matching wall-clock time later than a given instant. A time that the clock
 * skips (start of summer time) does not happen; one that it shows twice counts the first time.
 */
import type { Zone } from 'luxon';
import type { CalendarEvent } from './calendar_grammar.ts';
import { daysInMonth, findZone, firstInstant, type WallTime, wallTimeOf, weekdayOf } from './zoned_time.ts';

export { type CalendarEvent, parseCalendarEvent, parseCalendarEventInput } from './calendar_grammar.ts';

/** The calendar repeats itself, weekdays included, after this many years: an event without a match by then has none. */
const CALENDAR_CYCLE_YEARS = 400;

/**
 * The next time of `event` strictly after `last` (epoch seconds, fractions allowed) in `zoneName` (`local` or an IANA
 * name; the suffix UTC overrules it). Undefined: never again.
 */
export function nextEvent(event: CalendarEvent, last: number, zoneName = 'local'): number | undefined {
  const zone = findZone(event.utc ? 'UTC' : zoneName);
  const start = wallTimeOf(Math.floor(last), zone);
  for (const date of matchingDates(event, start)) {
    const found = firstTimeOfDay(event, date, start, last, zone);
    if (found !== undefined) return found;
  }
  return undefined;
}

interface CalendarDate {
  year: number;
  month: number;
  day: number;
}

/** All matching dates from that of `start` on, ascending. */
function* matchingDates(event: CalendarEvent, start: CalendarDate): Generator<CalendarDate> {
  const weekdays = new Set(event.weekdays);
  for (const year of matchingYears(event, start.year)) {
    for (const month of event.months) {
      if (month < 1 || (year === start.year && month < start.month)) continue;
      const isFirstMonth = year === start.year && month === start.month;
      const length = daysInMonth(year, month);
      for (const day of event.days) {
        if (day < 1 || day > length || (isFirstMonth && day < start.day)) continue;
        if (weekdays.has(weekdayOf(year, month, day))) yield { year, month, day };
      }
    }
  }
}

function* matchingYears(event: CalendarEvent, first: number): Generator<number> {
  if (event.years) yield* event.years.filter((year) => year >= first);
  else for (let year = first; year <= first + CALENDAR_CYCLE_YEARS; year++) yield year;
}

function firstTimeOfDay(
  event: CalendarEvent,
  date: CalendarDate,
  start: WallTime,
  last: number,
  zone: Zone,
): number | undefined {
  const isFirstDay = date.year === start.year && date.month === start.month && date.day === start.day;
  for (const hour of event.hours) {
    if (isFirstDay && hour < start.hour) continue;
    for (const minute of event.minutes) {
      if (isFirstDay && hour === start.hour && minute < start.minute) continue;
      for (const second of event.seconds) {
        const instant = firstInstant({ ...date, hour, minute, second }, zone);
        if (instant !== undefined && instant > last) return instant;
      }
    }
  }
  return undefined;
}
