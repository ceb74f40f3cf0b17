import test from 'ava';
import fc from 'fast-check';
import Type from 'typebox';
import { singleLine } from '../../ts/config/identifiers.ts';
import {
  parseList,
  parsePropertyObject,
  parsePropertyString,
  printPropertyString,
} from '../../ts/config/property_string.ts';
import { parseSlotList } from '../../ts/config/tape_sections.ts';
import { readVectors } from '../vectors.ts';

const schema = Type.Object({ type: Type.String(), message: Type.Optional(Type.String({ maxLength: 64 })) });

interface ObjectCase {
  text: string;
  value?: Record<string, string>;
}

for (const { text, value } of readVectors<ObjectCase>('config/property-strings.json')) {
  test(`property string ${JSON.stringify(text)}`, (t) => {
    if (value) t.deepEqual(parsePropertyObject(schema, text, 'type') as Record<string, string>, value);
    else t.throws(() => parsePropertyObject(schema, text, 'type'), { code: 'bad-property-string' });
  });
}

interface ListCase {
  text: string;
  elements?: string[];
}

for (const { text, elements } of readVectors<ListCase>('config/lists.json')) {
  test(`list ${JSON.stringify(text)}`, (t) => {
    if (elements) {
      t.deepEqual(parseList(text), elements);
      t.deepEqual(parseSlotList(text), elements.map(Number));
    } else t.throws(() => parseSlotList(text), { message: /no list of slot numbers/ });
  });
}

test('slots count from one', (t) => {
  t.throws(() => parseSlotList('0'));
  t.throws(() => parseSlotList('-1'));
});

test('values keep to their schema', (t) => {
  const short = Type.Object({ message: singleLine(0, 3) });
  t.throws(() => parsePropertyObject(short, 'message=abcd'), { message: /'message' must have 0 to 3 characters/ });
});

test('what is printed reads back as the same', (t) => {
  const key = fc.stringMatching(/^[a-z-]{1,6}$/);
  const pairs = fc.uniqueArray(fc.tuple(key, fc.string()), { maxLength: 4, selector: ([name]) => name });
  const property = fc.property(pairs, (properties) => {
    // An unquoted value that starts with a quote would be read as quoted: the printer quotes it.
    const text = printPropertyString(properties);
    return t.deepEqual([...parsePropertyString(text)], properties) ?? true;
  });
  fc.assert(property, { numRuns: 300 });
  t.is(printPropertyString([['type', 'a=b']], 'type'), '"a=b"');
  t.deepEqual([...parsePropertyString('"a=b"', 'type')], [['type', 'a=b']]);
});
