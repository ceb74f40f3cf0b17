import test from 'ava';
import { renderEpoch, strftime } from '../../ts/time/strftime.ts';
import { readVectors } from '../vectors.ts';

for (const { template, text } of readVectors<{ template: string; text: string }>('time/strftime.json')) {
  test(`strftime ${JSON.stringify(template)}`, (t) => {
    t.is(strftime(template, 1_714_567_890, 'UTC'), text);
  });
}

const MIDNIGHT = Date.UTC(2024, 11, 31, 23, 0, 0) / 1000; // 2025-01-01 00:00:00 in Berlin

test('times are local', (t) => {
  t.is(strftime('%F %T %z %I%p', MIDNIGHT, 'Europe/Berlin'), '2025-01-01 00:00:00 +0100 12AM');
  t.is(renderEpoch(1_609_924_071, 'Europe/Vienna'), 'Wed Jan  6 10:07:51 2021');
});

for (const [zone, epoch, name] of [
  ['Europe/Berlin', MIDNIGHT, 'CET'],
  ['Europe/Berlin', 1_719_792_000, 'CEST'],
  ['America/New_York', MIDNIGHT, 'EST'],
  ['America/Sao_Paulo', MIDNIGHT, '-03'],
  ['Asia/Kolkata', MIDNIGHT, 'IST'],
] as const) {
  test(`%Z in ${zone} at ${epoch}`, (t) => {
    t.is(strftime('%Z', epoch, zone), name);
  });
}

test('fractions of a second are cut off', (t) => {
  t.is(strftime('%s %T', 1_714_567_890.9, 'UTC'), '1714567890 12:51:30');
});

test('offsets west of Greenwich and with minutes', (t) => {
  t.is(strftime('%z', MIDNIGHT, 'America/St_Johns'), '-0330');
  t.is(strftime('%z', MIDNIGHT, 'Asia/Kathmandu'), '+0545');
});

test('weeks at the turn of a year', (t) => {
  const day = (year: number, month: number, date: number) => Date.UTC(year, month - 1, date) / 1000;
  t.is(strftime('%G-W%V %U %W %u %w', day(2021, 1, 3), 'UTC'), '2020-W53 01 00 7 0');
  t.is(strftime('%G-W%V %U %W %u %w', day(2024, 12, 30), 'UTC'), '2025-W01 52 53 1 1');
  t.is(strftime('%Y week %V', day(2021, 1, 13), 'UTC'), '2021 week 02');
});
