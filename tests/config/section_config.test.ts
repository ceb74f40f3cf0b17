import test from 'ava';
import fc from 'fast-check';
import Type from 'typebox';
import { ConfigDocument } from '../../ts/config/config_document.ts';
import { comment, safeId } from '../../ts/config/identifiers.ts';
import type { SectionType } from '../../ts/config/section_types.ts';
import { readVectors } from '../vectors.ts';

const pool = {
  type: 'pool',
  idProperty: 'name',
  schema: Type.Object({
    name: safeId(2, 32),
    comment: Type.Optional(comment),
    flag: Type.Optional(Type.Boolean()),
    num: Type.Optional(Type.Integer({ minimum: 0 })),
    path: Type.Optional(Type.String()),
    filter: Type.Optional(Type.Array(Type.String())),
  }),
} satisfies SectionType;

const strict = {
  type: 'strict',
  idProperty: 'name',
  schema: Type.Object({ name: safeId(2, 32), path: Type.String() }),
} satisfies SectionType;

const types = [pool, strict];
const open = (text: string) => new ConfigDocument(Buffer.from(text), 'pool.cfg', types);

interface SectionCase {
  input: string;
  error?: string;
  notice?: string;
  sections?: Array<Record<string, unknown>>;
  printed?: string;
}

for (const { input, error, notice, sections, printed } of readVectors<SectionCase>('config/section-config.json')) {
  test(`section config ${JSON.stringify(input)}`, (t) => {
    if (error !== undefined) {
      const thrown = t.throws(() => open(input), { code: 'bad-config' });
      t.true(thrown?.message.startsWith(`pool.cfg:${error}`), thrown?.message);
      return;
    }
    const document = open(input);
    const values = [...document.list(pool), ...document.list(strict)] as Array<Record<string, unknown>>;
    t.deepEqual(
      values.map(({ name: _, ...properties }) => properties),
      sections as Array<Record<string, unknown>>,
    );
    t.is(document.print(), printed as string);
    t.false(document.isChanged);
    const [first] = document.notices;
    t.is(first !== undefined, notice !== undefined, first?.message);
    if (notice) t.true(`${first?.line}: ${first?.message}`.startsWith(notice), first?.message);
  });
}

test('hints say what is usual to get wrong', (t) => {
  t.throws(() => open('# c\n'), { message: /no comments/ });
  t.throws(() => open('pool: p1\n# c\n'), { message: /no comments/ });
  t.throws(() => open('pool: p1\n\n\tcomment a\n'), { message: /no blank line may stand/ });
  t.throws(() => open('pool: p1\npool: p2\n'), { message: /blank line must stand/ });
});

test('the digest is that of the bytes read', (t) => {
  t.is(open('').digest, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  t.not(open('pool: p1\n').digest, open('pool: p1').digest);
});

test('text that is not UTF-8 is refused', (t) => {
  const bytes = Buffer.from([0x70, 0x3a, 0xff]);
  t.throws(() => new ConfigDocument(bytes, 'pool.cfg', types), { code: 'bad-config', message: /UTF-8/ });
});

test('of two sections with one name the last counts, and neither is written back', (t) => {
  const document = open('pool: p1\n\tcomment a\n\npool: p2\n\npool: p1\n\tcomment b\n');
  t.deepEqual(document.get(pool, 'p1'), { name: 'p1', comment: 'b' });
  t.deepEqual(
    document.list(pool).map(({ name }) => name),
    ['p2', 'p1'],
  );
  t.regex(document.notices[0]?.message ?? '', /exists already in line 1/);
  t.throws(() => document.print(), { code: 'bad-config', message: /pool.cfg:6: section 'p1' exists twice/ });
  document.remove('p1');
  t.is(document.print(), 'pool: p2\n');
});

test('changed sections keep what the schema does not know, new ones come last', (t) => {
  const document = open('pool: p1\n\tzeta z\n\tcomment a\n\nfoo: x\n\tb 2\n\ta 1\n');
  document.replace(pool, { name: 'p1', num: 3 });
  document.add(pool, { name: 'p0', flag: false, filter: ['b', 'a'], comment: '' });
  t.true(document.isChanged);
  const expected =
    'pool: p1\n\tnum 3\n\tzeta z\n\nfoo: x\n\ta 1\n\tb 2\n\npool: p0\n\tcomment \n\tfilter b\n\tfilter a\n\tflag false\n';
  t.is(document.print(), expected);
});

test('replacing by the same value changes nothing', (t) => {
  const document = open('pool: p1\n\tnum 1\n\tcomment a\n');
  document.replace(pool, { name: 'p1', comment: 'a', num: 1 });
  t.false(document.isChanged);
});

test('names are unique over all types; unknown names and values that do not fit are refused', (t) => {
  const document = open('pool: p1\n\nfoo: x1\n');
  t.throws(() => document.add(strict, { name: 'p1', path: '/x' }), { code: 'already-exists' });
  t.throws(() => document.add(pool, { name: 'x1' }), { code: 'already-exists' });
  t.throws(() => document.replace(pool, { name: 'p2' }), { code: 'not-found' });
  t.throws(() => document.remove('p2'), { code: 'not-found' });
  t.throws(() => document.add(pool, { name: 'p', num: -1 }), {
    code: 'bad-parameter',
    message: "parameter 'name' must have 2 to 32 characters\nparameter 'num' must be at least 0, not -1",
  });
  t.throws(() => document.add(strict, { name: 's1' } as never), { message: "parameter 'path' is missing" });
  t.throws(() => document.add(pool, { name: 'p3', other: 1 } as never), { message: "parameter 'other' is unknown" });
});

test('values with control characters are not written', (t) => {
  const document = open('');
  document.add(pool, { name: 'p1', path: 'a\nb' });
  t.throws(() => document.print(), { code: 'control-character' });
});

test('what is printed reads back as the same', (t) => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((value) => value.replace(/\p{Cc}/gu, '').trim());
  const section = fc.record(
    {
      comment: text,
      flag: fc.boolean(),
      num: fc.nat(),
      path: text,
      filter: fc.array(text, { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9_]{2,8}$/), { maxLength: 4 });
  const property = fc.property(names, fc.array(section, { minLength: 4, maxLength: 4 }), (ids, values) => {
    const document = open('');
    for (const [index, name] of ids.entries()) document.add(pool, { name, ...values[index] });
    const again = open(document.print());
    t.deepEqual(again.list(pool), document.list(pool));
    return again.print() === document.print();
  });
  fc.assert(property, { numRuns: 200 });
});

test('any text is read or refused with its line', (t) => {
  const line = fc.constantFrom(
    'pool: p1',
    '\tcomment x',
    '',
    '#',
    ' a',
    'strict: s1',
    '\tpath /x',
    'x',
    '\tnum 1',
    ':',
  );
  const property = fc.property(fc.array(fc.oneof(line, fc.string()), { maxLength: 8 }), (lines) => {
    try {
      open(lines.join('\n'));
      return true;
    } catch (error) {
      return /^pool\.cfg:\d+: /.test((error as Error).message);
    }
  });
  t.notThrows(() => fc.assert(property, { numRuns: 500 }));
});
