import test from 'ava';
import { parseMoment } from '../../ts/time/moment.ts';

const NOW = Date.UTC(2024, 5, 5, 12) / 1000;
const utc = (text: string): number => parseMoment(text, NOW, 'UTC');
const epoch = (...parts: [number, number, number]): number => Date.UTC(...parts) / 1000;

test('a date is its first instant in the zone', (t) => {
  t.is(utc('2024-06-05'), epoch(2024, 5, 5));
  t.is(utc('2024-01-01'), epoch(2024, 0, 1));
  t.is(utc('2024-12-31'), epoch(2024, 11, 31));
  t.is(parseMoment('2024-06-05', NOW, 'Europe/Berlin'), epoch(2024, 5, 5) - 7200);
});

test('a time, and how long ago', (t) => {
  t.is(utc('2024-06-05T10:30:00Z'), Date.UTC(2024, 5, 5, 10, 30) / 1000);
  t.is(utc('4 weeks'), NOW - 28 * 86_400);
  t.is(utc('90'), NOW - 90);
});

test('what is none of these is refused', (t) => {
  for (const text of ['2024-13-05', '2024-00-05', '2024-06-00', '2024-06-32', 'yesterday', '', '2024-6-5x']) {
    t.throws(() => utc(text), { code: 'bad-moment', message: new RegExp(`^'${text}' is no moment`) }, text);
  }
});
