/** RFC 3339 times as PBS writes them: UTC in snapshot paths, local time with offset in key files and task logs. */
import { FerriteError } from '../errors.ts';
import { findZone, offsetAt, utcEpoch, type WallTime, wallTimeOf } from './zoned_time.ts';

const pad = (number: number, width = 2): string => String(number).padStart(width, '0');

function renderWallTime(time: WallTime): string {
  const { year, month, day, hour, minute, second } = time;
  if (year < 0 || year > 9999) throw new FerriteError('usage', 'bad-time', `year ${year} is not between 0 and 9999`);
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}T${pad(hour)}:${pad(minute)}:${pad(second)}`;
}

/** `2024-05-01T12:00:00Z` */
export function formatUtc(epoch: number): string {
  return `${renderWallTime(wallTimeOf(Math.floor(epoch), findZone('UTC')))}Z`;
}

/** `2024-05-01T14:00:00+02:00` */
export function formatWithOffset(epoch: number, zoneName = 'local'): string {
  const zone = findZone(zoneName);
  const seconds = Math.floor(epoch);
  const offset = Math.trunc(offsetAt(seconds, zone) / 60);
  const sign = offset < 0 ? '-' : '+';
  const minutes = Math.abs(offset);
  return `${renderWallTime(wallTimeOf(seconds, zone))}${sign}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}

const PATTERN = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:Z|([+-])(\d\d):(\d\d))$/;

/**
 * Epoch seconds of either form. Only upper bounds are checked, as PBS does: the 31st of February is the 2nd of March,
 * month 0 is December of the year before.
 */
export function parseRfc3339(text: string): number {
  const [, year, month, day, hour, minute, second, sign, offsetHours, offsetMinutes] = PATTERN.exec(text) ?? [];
  const time = {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
  };
  const inRange = time.month <= 12 && time.day <= 31 && time.hour <= 23 && time.minute <= 59 && time.second <= 60;
  if (!inRange) throw new FerriteError('usage', 'bad-time', `invalid time '${text}' (expected 2024-05-01T12:00:00Z)`);
  const offset = sign ? (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60 : 0;
  return utcEpoch(time) - (sign === '-' ? -offset : offset);
}
