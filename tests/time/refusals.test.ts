/** Texts that say what is wrong, and edges that the tables leave out. */
import test from 'ava';
import { nextEvent, parseCalendarEvent } from '../../ts/time/calendar_event.ts';
import { parseTimeSpan } from '../../ts/time/time_span.ts';

const problem = (text: string): string => {
  try {
    parseCalendarEvent(text);
    return 'none';
  } catch (error) {
    return (error as Error).message.replace(/^invalid calendar event '.*?': /s, '');
  }
};

test('calendar events: blanks around, nothing at all', (t) => {
  t.is(problem(' daily'), 'blanks at its start or end');
  t.is(problem('daily '), 'blanks at its start or end');
  t.is(problem(''), 'it is empty');
  t.is(problem('UTC'), 'it is empty');
});

test('calendar events: what does not belong there is named', (t) => {
  t.is(problem('2024-13-01'), "unexpected '2024-13-01'");
  t.is(problem('2024-01-32'), "unexpected '2024-01-32'");
  t.is(problem('10:60'), "unexpected ':60'");
  t.is(problem('*:*:*/0'), "unexpected ':*/0'");
  t.is(problem('mon..'), 'a day of the week is missing');
});

test('calendar events: values in any order are one set', (t) => {
  const event = parseCalendarEvent('22,6,14:30');
  const after = (text: string): string =>
    new Date((nextEvent(event, Date.parse(text) / 1000, 'UTC') ?? 0) * 1000).toISOString().slice(11, 16);
  t.is(after('2024-05-01T00:00:00Z'), '06:30');
  t.is(after('2024-05-01T06:30:00Z'), '14:30');
  t.is(after('2024-05-01T22:30:00Z'), '06:30');
});

test('calendar events: fractions of a second do not skip an event', (t) => {
  const event = parseCalendarEvent('*:*:*');
  t.is(nextEvent(event, 1000.5, 'UTC'), 1001);
  t.is(nextEvent(event, 1000, 'UTC'), 1001);
});

test('calendar events: years that are over are not looked at', (t) => {
  const event = parseCalendarEvent('2020,2030-01-01');
  t.is(nextEvent(event, Date.UTC(2024, 0) / 1000, 'UTC'), Date.UTC(2030, 0) / 1000);
  t.is(nextEvent(event, Date.UTC(2030, 0) / 1000, 'UTC'), undefined);
});

test('calendar events: a zone that does not exist is refused', (t) => {
  t.throws(() => nextEvent(parseCalendarEvent('daily'), 0, 'Middle/Earth'));
});

test('time spans: every name of every unit', (t) => {
  const units: Record<string, number> = {
    years: 31_557_600,
    year: 31_557_600,
    y: 31_557_600,
    months: 2_630_016,
    month: 2_630_016,
    M: 2_630_016,
    weeks: 604_800,
    week: 604_800,
    w: 604_800,
    days: 86_400,
    day: 86_400,
    d: 86_400,
    hours: 3600,
    hour: 3600,
    hr: 3600,
    h: 3600,
    minutes: 60,
    minute: 60,
    min: 60,
    m: 60,
    seconds: 1,
    second: 1,
    sec: 1,
    s: 1,
    '': 1,
  };
  for (const [unit, seconds] of Object.entries(units)) {
    t.is(parseTimeSpan(`3${unit}`).wholeSeconds, 3 * seconds, unit);
    t.is(parseTimeSpan(`3 ${unit} `).wholeSeconds, 3 * seconds, unit);
  }
});

test('time spans: what is wrong, and where', (t) => {
  const refused = (text: string, message: RegExp): void => void t.throws(() => parseTimeSpan(text), { message });
  refused('1h x', /expected a number at 'x'/);
  refused('h', /expected a number at 'h'/);
  refused('1h 2 parsecs', /unknown unit 'parsecs'/);
  t.is(parseTimeSpan('18446744073709551615s').wholeSeconds, Number(2n ** 64n - 1n));
  refused('18446744073709551616s', /too long/);
});
