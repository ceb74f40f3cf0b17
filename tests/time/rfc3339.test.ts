import test from 'ava';
import fc from 'fast-check';
import { formatUtc, formatWithOffset, parseRfc3339 } from '../../ts/time/rfc3339.ts';
import { readVectors } from '../vectors.ts';

for (const { text, epoch } of readVectors<{ text: string; epoch?: number }>('time/rfc3339.json')) {
  test(`RFC 3339 ${JSON.stringify(text)}`, (t) => {
    if (epoch === undefined) t.throws(() => parseRfc3339(text), { code: 'bad-time' });
    else t.is(parseRfc3339(text), epoch);
  });
}

test('both forms', (t) => {
  t.is(formatUtc(1_714_564_800.9), '2024-05-01T12:00:00Z');
  t.is(formatWithOffset(1_714_564_800, 'Europe/Berlin'), '2024-05-01T14:00:00+02:00');
  t.is(formatWithOffset(1_714_564_800, 'America/St_Johns'), '2024-05-01T09:30:00-02:30');
  t.is(formatWithOffset(1_704_067_200.9, 'Europe/London'), '2024-01-01T00:00:00+00:00');
  t.is(formatUtc(-62_167_219_200), '0000-01-01T00:00:00Z');
  t.throws(() => formatUtc(-62_167_219_201), { code: 'bad-time' });
  t.throws(() => formatUtc(253_402_300_800), { code: 'bad-time' });
});

test('what is written reads back', (t) => {
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns');
  const property = fc.property(fc.integer({ min: 0, max: 253_402_300_799 - 86_400 }), zones, (epoch, zone) => {
    return parseRfc3339(formatUtc(epoch)) === epoch && parseRfc3339(formatWithOffset(epoch, zone)) === epoch;
  });
  t.notThrows(() => fc.assert(property, { numRuns: 300 }));
});
