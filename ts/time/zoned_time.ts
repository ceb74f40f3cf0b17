/**
 * Wall-clock time in a zone, to the second. luxon decides the offsets; its own conversion from wall-clock time is not
 * used because it neither says that a time does not exist nor which of two occurrences it picked.
 */
import { DateTime, IANAZone, SystemZone, type Zone } from 'luxon';
import { FerriteError } from '../errors.ts';

/** A date and time as a clock on the wall shows it; month and day start at 1. */
export interface WallTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const DAY_SECONDS = 86_400;

/** `local`: the zone of the process; else an IANA name. */
export function findZone(name: string): Zone {
  if (name === 'local') return SystemZone.instance;
  const zone = IANAZone.create(name);
  if (!zone.isValid) throw new FerriteError('usage', 'unknown-zone', `unknown time zone '${name}'`);
  return zone;
}

/** Seconds east of UTC at an instant. */
export function offsetAt(epoch: number, zone: Zone): number {
  return Math.round(zone.offset(epoch * 1000) * 60);
}

export function wallTimeOf(epoch: number, zone: Zone): WallTime {
  const date = new Date((epoch + offsetAt(epoch, zone)) * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

/** The instant that `time` would be in UTC; fields out of range carry over. */
export function utcEpoch(time: WallTime): number {
  const date = new Date(0);
  date.setUTCFullYear(time.year, time.month - 1, time.day); // unlike Date.UTC, years below 100 are meant as given
  date.setUTCHours(time.hour, time.minute, time.second);
  return date.getTime() / 1000;
}

/** The first instant at which the clock shows `time`; undefined when it never does (a gap of summer time). */
export function firstInstant(time: WallTime, zone: Zone): number | undefined {
  const asUtc = utcEpoch(time);
  // Offsets are below a day, and no zone changes its offset twice within two days: these are all that can apply.
  const offsets = new Set([offsetAt(asUtc - DAY_SECONDS, zone), offsetAt(asUtc + DAY_SECONDS, zone)]);
  const instants = [...offsets].map((offset) => asUtc - offset).filter((t) => t + offsetAt(t, zone) === asUtc);
  return instants.length === 0 ? undefined : Math.min(...instants);
}

/** Day of the week of a date, Monday = 0. */
export function weekdayOf(year: number, month: number, day: number): number {
  const days = utcEpoch({ year, month, day, hour: 0, minute: 0, second: 0 }) / DAY_SECONDS;
  return (((days + 3) % 7) + 7) % 7; // 1970-01-01 was a Thursday
}

export function daysInMonth(year: number, month: number): number {
  return DateTime.utc(year, month).daysInMonth ?? 31;
}
