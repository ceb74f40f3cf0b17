import test from 'ava';
import fc from 'fast-check';
import { canonicalise, isOptionWord, parseBoolean } from '../../../ts/cli/grammar/canonical.ts';
import { describeCommands } from '../../../ts/cli/grammar/program.ts';
import { sampleCommands } from './sample.ts';

const descriptions = await describeCommands(sampleCommands);
const everything = descriptions.find(({ path }) => path.join(' ') === 'every thing');
if (!everything) throw new Error('no such command');

function read(...words: string[]) {
  if (!everything) throw new Error('no such command');
  const { options, positionals, problems } = canonicalise(words, everything);
  return {
    options: options.map(([name, value]) => `${name}=${value}`),
    positionals,
    problems: problems.map(({ parameter, problem }) => `${parameter} ${problem}`),
  };
}

const fine = { problems: [] };

test('options in all their forms, mixed with positionals', (t) => {
  t.like(read('p1', '--count', '3'), { ...fine, options: ['count=3'], positionals: ['p1'] });
  t.like(read('--count=3', 'p1'), { ...fine, options: ['count=3'], positionals: ['p1'] });
  t.like(read('-count', '3', 'p1'), { ...fine, options: ['count=3'], positionals: ['p1'] });
  t.like(read('-count=3', 'p1', 'more'), { ...fine, options: ['count=3'], positionals: ['p1', 'more'] });
  t.like(read('p1', '--label-text=a=b'), { ...fine, options: ['label-text=a=b'] });
  t.like(read('p1', '--label-text='), { ...fine, options: ['label-text='] });
});

test('after -- everything is positional; a lone dash is too', (t) => {
  t.like(read('p1', '--', '--count', '3'), { ...fine, options: [], positionals: ['p1', '--count', '3'] });
  t.like(read('p1', '-'), { ...fine, positionals: ['p1', '-'] });
  t.like(read('p1', '--label-text', '-'), { ...fine, options: ['label-text=-'] });
});

test('a boolean takes the next word only if it is a boolean word', (t) => {
  t.like(read('--force', 'p1'), { ...fine, options: ['force=true'], positionals: ['p1'] });
  t.like(read('--force', 'NO', 'p1'), { ...fine, options: ['force=NO'], positionals: ['p1'] });
  t.like(read('--force=0', 'p1'), { ...fine, options: ['force=0'] });
  t.like(read('p1', '--force'), { ...fine, options: ['force=true'] });
});

test('a boolean that is true by default needs its value', (t) => {
  t.like(read('p1', '--fast', 'off'), { ...fine, options: ['fast=off'] });
  t.like(read('p1', '--fast'), { options: [], problems: ['fast needs yes or no (it is true by default)'] });
  t.like(read('--fast', 'p1'), { positionals: ['p1'], problems: ['fast needs yes or no (it is true by default)'] });
});

test('aliases stand for their option', (t) => {
  t.like(read('p1', '--changer-id', 'T1'), { ...fine, options: ['label-text=T1'] });
  t.like(read('p1', '--changer-id', 'T1', '--label-text', 'T2'), { problems: ['label-text is given more than once'] });
});

test('only arrays repeat', (t) => {
  t.like(read('p1', '--delete', 'a', '--delete', 'b'), { ...fine, options: ['delete=a', 'delete=b'] });
  t.like(read('p1', '--count', '1', '--count', '2'), { problems: ['count is given more than once'] });
});

test('everything that is wrong is told at once', (t) => {
  t.deepEqual(read('--cuont', '--kind', '--count').problems, [
    'cuont is unknown (--count?)',
    'kind has no value',
    'count has no value',
    'name is missing',
  ]);
});

test('the value of a mistyped option is not surplus as well', (t) => {
  t.deepEqual(read('p1', '--cou', '3', '--pol=x').problems, ['cou is unknown (--count?)', 'pol is unknown (--pool?)']);
  t.deepEqual(read('p1', '--forc', 'a').positionals, ['p1', 'a']);
});

test('clipanion never sees the words it uses itself', (t) => {
  t.deepEqual(read('p1', '\u0001').problems, ['argument contains control characters']);
});

const word = fc.stringMatching(/^[a-z0-9][a-z0-9=-]{0,6}$/).filter((text) => parseBoolean(text) === undefined);
const given = fc.record(
  { count: fc.nat().map(String), force: fc.constantFrom('yes', 'no', 'ON', '0'), 'label-text': word, kind: word },
  { requiredKeys: [] },
);

test('the same meaning in every order and every form of writing', (t) => {
  fc.assert(
    fc.property(
      given,
      fc.array(word, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.nat(5)),
      (options, rest, dice) => {
        const roll = () => dice.next().value as number;
        const groups = Object.entries(options).map(([name, value]) => {
          const dash = roll() % 2 ? '-' : '--';
          return roll() % 2 ? [`${dash}${name}=${value}`] : [`${dash}${name}`, value];
        });
        // Positionals keep their order; options go anywhere between them.
        const words = rest.map((text) => [text]);
        for (const group of groups) words.splice(roll() % (words.length + 1), 0, group);
        const result = read(...words.flat());
        t.deepEqual(result.problems, []);
        t.deepEqual(result.positionals, rest);
        t.deepEqual(
          result.options.toSorted(),
          Object.entries(options)
            .map(([name, value]) => `${name}=${value}`)
            .toSorted(),
        );
      },
    ),
  );
});

test('any words at all: an answer, and nothing is lost', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('--', '--force', '--count', '-x', '--fast=', '-'))),
      (words) => {
        const { positionals, problems } = read(...words);
        for (const text of words)
          if (!isOptionWord(text) && words.length === 1) t.true(positionals.includes(text) || problems.length > 0);
        t.true(Array.isArray(problems));
      },
    ),
  );
});
