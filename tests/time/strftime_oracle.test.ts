/** strftime against the date command of the system: every day of two years, in several zones. */
import { execFileSync } from 'node:child_process';
import test from 'ava';
import { strftime } from '../../ts/time/strftime.ts';

const DAY_SECONDS = 86_400;
/** 2023-12-25, a Monday, 00:00:07 UTC; the hour moves on from day to day. */
const FIRST = Date.UTC(2023, 11, 25, 0, 0, 7) / 1000;
const TIMES = Array.from({ length: 740 }, (_, day) => FIRST + day * (DAY_SECONDS + 3_671));

const CONVERSIONS = 'a A b B c C d D e F g G h H I j k l m M p P r R s S T u U V w W x X y Y %'.split(' ');
const FLAGGED = [
  '%_5d',
  '%-d',
  '%-j',
  '%_m',
  '%0e',
  '%05e',
  '%^a',
  '%^B',
  '%#p',
  '%#A',
  '%10A',
  '%3H',
  '%_3H',
  '%^10b',
  '%-I',
  '%04Y',
];

function oracle(template: string, zone: string): string[] {
  const input = TIMES.map((time) => `@${time}\n`).join('');
  const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: zone };
  return execFileSync('date', ['-f', '-', `+${template}`], { input, env, encoding: 'utf8' })
    .trimEnd()
    .split('\n');
}

for (const zone of ['UTC', 'America/New_York', 'Asia/Kolkata']) {
  test(`every conversion in ${zone}`, (t) => {
    const template = [...CONVERSIONS.map((letter) => `%${letter}`), '%z', ...FLAGGED].join('|');
    const expected = oracle(template, zone);
    for (const [index, time] of TIMES.entries()) {
      const found = strftime(template, time, zone);
      if (found !== expected[index]) t.is(found, expected[index] as string, String(time));
    }
    t.is(expected.length, TIMES.length);
  });
}

for (const [zone, name] of [
  ['Australia/Sydney', 'AEST'],
  ['Pacific/Auckland', 'NZST'],
  ['Africa/Johannesburg', 'SAST'],
] as const) {
  test(`names of zones: ${zone}`, (t) => {
    t.is(strftime('%Z', Date.UTC(2024, 6, 1) / 1000, zone), name);
  });
}

test('the first year of a century, and widths without end', (t) => {
  t.is(strftime('%C %y', Date.UTC(2000, 1, 1) / 1000, 'UTC'), '20 00');
  t.is(strftime('%9999d', Date.UTC(2000, 1, 1) / 1000, 'UTC').length, 1024);
  t.is(strftime('%d', Date.UTC(2000, 1, 1, 12) / 1000), '01', 'in the zone of the process');
});
