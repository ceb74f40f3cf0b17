import test from 'ava';
import { formatHumanSize, parseHumanSize } from '../../ts/time/human_size.ts';
import { readVectors } from '../vectors.ts';

interface ParseCase {
  text: string;
  bytes?: number;
  display?: string;
  error?: true;
}

for (const { text, bytes, display, error } of readVectors<ParseCase>('time/human-sizes.json')) {
  test(`size ${JSON.stringify(text)}`, (t) => {
    if (error) {
      t.throws(() => parseHumanSize(text), { code: 'bad-size' });
      return;
    }
    const size = parseHumanSize(text);
    t.is(size.bytes, bytes as number);
    t.is(formatHumanSize(size.bytes, size.unit), display as string);
  });
}

interface DisplayCase {
  bytes: number;
  binary: string;
  decimal: string;
}

for (const { bytes, binary, decimal } of readVectors<DisplayCase>('time/human-size-display.json')) {
  test(`${bytes} bytes for people`, (t) => {
    t.is(formatHumanSize(bytes), binary);
    t.is(formatHumanSize(bytes, 'decimal'), decimal);
  });
}

for (const text of ['', 'inf', 'nan', `${'1'.repeat(64)}k`, '1e999', 'k', '1 2']) {
  test(`size ${JSON.stringify(text)} is refused`, (t) => {
    t.throws(() => parseHumanSize(text), { code: 'bad-size' });
  });
}
