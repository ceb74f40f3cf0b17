import test from 'ava';
import fc from 'fast-check';
import { formatTimeSpan, parseTimeSpan } from '../../ts/time/time_span.ts';
import { readVectors } from '../vectors.ts';

interface SpanCase {
  text: string;
  seconds?: number;
  wholeSeconds?: number;
  display?: string;
  error?: true;
}

for (const { text, seconds, wholeSeconds, display, error } of readVectors<SpanCase>('time/time-spans.json')) {
  test(`time span ${JSON.stringify(text)}`, (t) => {
    if (error) {
      t.throws(() => parseTimeSpan(text), { code: 'bad-time-span' });
      return;
    }
    const span = parseTimeSpan(text);
    t.is(span.seconds, seconds as number);
    t.is(span.wholeSeconds, wholeSeconds as number);
    t.is(formatTimeSpan(span.seconds), display as string);
  });
}

test('blanks alone and an overflowing sum are refused', (t) => {
  t.throws(() => parseTimeSpan('  \t'), { code: 'bad-time-span', message: /empty/ });
  t.throws(() => parseTimeSpan('18446744073709551615s 1s'), { code: 'bad-time-span', message: /too long/ });
  t.throws(() => parseTimeSpan('584554530872y'), { code: 'bad-time-span', message: /too long/ });
});

test('what is displayed reads back as the same whole seconds', (t) => {
  const property = fc.property(
    fc.integer({ min: 0, max: 4_000_000_000 }),
    (seconds) => parseTimeSpan(formatTimeSpan(seconds)).wholeSeconds === seconds,
  );
  t.notThrows(() => fc.assert(property, { numRuns: 500 }));
});
