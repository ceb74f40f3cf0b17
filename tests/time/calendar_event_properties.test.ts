/** The next event against brute force: the first later second (or minute) whose wall-clock time matches. */
import test from 'ava';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import { nextEvent, parseCalendarEvent } from '../../ts/time/calendar_event.ts';

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns'];

/** An event as lists of values, independent of the parser's structures. */
interface Model {
  weekdays?: number[];
  month?: number[];
  day?: number[];
  hour: number[];
  minute: number[];
  second: number[];
}

function text(model: Model): string {
  const names = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
  const parts: string[] = [];
  if (model.weekdays) parts.push(model.weekdays.map((day) => names[day]).join(','));
  if (model.month && model.day) parts.push(`${model.month.join(',')}-${model.day.join(',')}`);
  parts.push(`${model.hour.join(',')}:${model.minute.join(',')}:${model.second.join(',')}`);
  return parts.join(' ');
}

function matches(model: Model, time: DateTime): boolean {
  return (
    (model.weekdays?.includes(time.weekday - 1) ?? true) &&
    (model.month?.includes(time.month) ?? true) &&
    (model.day?.includes(time.day) ?? true) &&
    model.hour.includes(time.hour) &&
    model.minute.includes(time.minute) &&
    model.second.includes(time.second)
  );
}

/** Of a wall-clock time that comes twice only the first counts. */
function isRepeated(epoch: number, zone: string): boolean {
  const time = DateTime.fromSeconds(epoch, { zone });
  return [0.5, 1].some((hours) => {
    const earlier = DateTime.fromSeconds(epoch - hours * 3600, { zone });
    return earlier.toFormat('yyyy-MM-dd HH:mm:ss') === time.toFormat('yyyy-MM-dd HH:mm:ss');
  });
}

function bruteForce(model: Model, last: number, zone: string, step: number, limit: number): number | undefined {
  const first = Math.floor(last / step) * step + step;
  for (let epoch = first; epoch <= last + limit; epoch += step) {
    if (matches(model, DateTime.fromSeconds(epoch, { zone })) && !isRepeated(epoch, zone)) return epoch;
  }
  return undefined;
}

const list = (max: number, minLength = 1) =>
  fc
    .uniqueArray(fc.integer({ min: 0, max }), { minLength, maxLength: 4 })
    .map((values) => values.sort((a, b) => a - b));

const from = Date.UTC(2023, 0, 1) / 1000;
const to = Date.UTC(2026, 0, 1) / 1000;
/** Around changes of summer time in the zones above. */
const changes = ['2024-03-31T01:00:00Z', '2024-10-27T01:00:00Z', '2024-03-10T07:00:00Z', '2024-11-03T06:00:00Z']
  .concat(['2024-04-06T15:00:00Z', '2024-10-05T15:30:00Z', '2024-03-10T05:30:00Z', '2024-11-03T04:30:00Z'])
  .map((at) => Date.parse(at) / 1000);
const instant = fc.oneof(
  fc.integer({ min: from, max: to }),
  fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -7200, max: 7200 })).map(([at, delta]) => at + delta),
);

function check(model: Model, last: number, zone: string, step: number, limit: number): boolean {
  const expected = bruteForce(model, last, zone, step, limit);
  const found = nextEvent(parseCalendarEvent(text(model)), last, zone);
  if (expected === undefined) return found === undefined || found > last + limit;
  return found === expected;
}

test('near: every second of the next two hours', (t) => {
  const model = fc.record({
    hour: fc.constant<number[]>(Array.from({ length: 24 }, (_, hour) => hour)),
    minute: list(59),
    second: list(59),
  });
  const property = fc.property(model, instant, fc.constantFrom(...ZONES), (event, last, zone) =>
    check(event, last, zone, 1, 7200),
  );
  t.notThrows(() => fc.assert(property, { numRuns: 60 }));
});

test('far: every minute of the next days, with weekdays and dates', (t) => {
  const model = fc.record({
    weekdays: list(6),
    month: fc.constant<number[]>([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    day: list(31),
    hour: list(23),
    minute: list(59),
    second: fc.constant<number[]>([0]),
  });
  const property = fc.property(model, instant, fc.constantFrom(...ZONES), (event, last, zone) =>
    check(event, last, zone, 60, 4 * 86_400),
  );
  t.notThrows(() => fc.assert(property, { numRuns: 100 }));
});

test('parsing any text returns an event or a usage error', (t) => {
  const fragments = fc.constantFrom('mon', '..', ',', '*', '/', '-', ':', ' ', '1', '24', '60', '2024', 'UTC', 'daily');
  const anyText = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.array(fragments, { maxLength: 8 }).map((parts) => parts.join('')),
  );
  const property = fc.property(anyText, (source) => {
    try {
      parseCalendarEvent(source);
      return true;
    } catch (error) {
      return (error as { code?: string }).code === 'bad-calendar-event';
    }
  });
  t.notThrows(() => fc.assert(property, { numRuns: 2000 }));
});
