import test from 'ava';
import { nextEvent, parseCalendarEvent, parseCalendarEventInput } from '../../ts/time/calendar_event.ts';
import { formatUtc, parseRfc3339 } from '../../ts/time/rfc3339.ts';
import { readVectors } from '../vectors.ts';

interface EventCase {
  event: string;
  last: string;
  zone?: string;
  next?: string | null;
  error?: true;
}

const files = ['time/calendar-events.json', 'time/calendar-steps.json', 'time/calendar-summer-time.json'];
for (const file of files) {
  for (const { event, last, zone, next, error } of readVectors<EventCase>(file)) {
    test(`${file}: ${JSON.stringify(event)} after ${last}${zone ? ` in ${zone}` : ''}`, (t) => {
      if (error) {
        t.throws(() => parseCalendarEvent(event), { code: 'bad-calendar-event' });
        return;
      }
      const found = nextEvent(parseCalendarEvent(event), parseRfc3339(last), zone ?? 'UTC');
      t.is(found === undefined ? null : formatUtc(found), next as string | null);
    });
  }
}

for (const text of ['24:00', '25:30', '30:15', '24:00 UTC', 'mon 24:00', '24,1:00']) {
  test(`${text} is read from files but refused as input`, (t) => {
    t.notThrows(() => parseCalendarEvent(text));
    t.throws(() => parseCalendarEventInput(text), { code: 'bad-calendar-event', message: /hours go from 0 to 23/ });
  });
}

for (const text of ['23:59', '30', '*:30', 'daily', '*-*-1 0:00:30']) {
  test(`${text} is good input`, (t) => {
    t.is(parseCalendarEventInput(text).text, text);
  });
}

for (const [event, last, next] of [
  ['1-5', '2024-01-15T00:00:00Z', '2025-01-05T00:00:00Z'],
  ['*:*:*', '2024-05-01T12:34:59Z', '2024-05-01T12:35:00Z'],
  ['*:*', '2024-05-01T12:59:30Z', '2024-05-01T13:00:00Z'],
  ['*:30', '2024-05-01T23:45:00Z', '2024-05-02T00:30:00Z'],
  ['*/4-1-1', '2024-06-01T00:00:00Z', '2028-01-01T00:00:00Z'],
  ['8..17/3:00', '2024-05-01T14:00:00Z', '2024-05-01T17:00:00Z'],
] as const) {
  test(`${event} after ${last}, at the edge of a field`, (t) => {
    const found = nextEvent(parseCalendarEvent(event), parseRfc3339(last), 'UTC');
    t.is(found && formatUtc(found), next);
  });
}

test('an event with fractions in `last` is strictly later', (t) => {
  t.is(nextEvent(parseCalendarEvent('*:*:*'), 100.5, 'UTC'), 101);
  t.is(nextEvent(parseCalendarEvent('*:*:*'), 100, 'UTC'), 101);
});

test('a day whose midnight is skipped has no `daily`', (t) => {
  // Beirut moved the clock from 0:00 to 1:00 on 2022-03-27.
  const next = nextEvent(parseCalendarEvent('daily'), parseRfc3339('2022-03-26T12:00:00Z'), 'Asia/Beirut');
  t.is(next && formatUtc(next), '2022-03-27T21:00:00Z');
});

test('a year that is listed only in the past never comes, also at the end of the calendar', (t) => {
  t.is(nextEvent(parseCalendarEvent('2020..2022-*-*'), parseRfc3339('2023-01-01T00:00:00Z'), 'UTC'), undefined);
  const next = nextEvent(parseCalendarEvent('2-29'), parseRfc3339('2199-01-01T00:00:00Z'), 'UTC');
  t.is(next && formatUtc(next), '2204-02-29T00:00:00Z');
});

test('between two seconds the next one counts: clocks have fractions', (t) => {
  t.is(nextEvent(parseCalendarEvent('*:*:*'), 10.5, 'UTC'), 11);
  t.is(nextEvent(parseCalendarEvent('*:*:*'), 10, 'UTC'), 11);
});
