/** A moment as people name it: a date, an RFC 3339 time, or how long ago it was (`4 weeks`). */
import { FerriteError } from '../errors.ts';
import { parseRfc3339 } from './rfc3339.ts';
import { parseTimeSpan } from './time_span.ts';
import { findZone, firstInstant } from './zoned_time.ts';

/** Epoch seconds. A date is its first instant in the zone. Throws a FerriteError (`usage`, `bad-moment`). */
export function parseMoment(text: string, now: number, zone = 'local'): number {
  const date = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (date) {
    const [year = 0, month = 0, day = 0] = date.slice(1).map(Number);
    const first = firstInstant({ year, month, day, hour: 0, minute: 0, second: 0 }, findZone(zone));
    if (first !== undefined && month >= 1 && month <= 12 && day >= 1 && day <= 31) return first;
  }
  for (const parse of [parseRfc3339, (span: string) => now - parseTimeSpan(span).seconds]) {
    try {
      return parse(text);
    } catch {
      // the next form
    }
  }
  const message = `'${text}' is no moment: write a date (2024-06-05), a time (2024-06-05T12:00:00Z) or how long ago (4 weeks)`;
  throw new FerriteError('usage', 'bad-moment', message);
}
