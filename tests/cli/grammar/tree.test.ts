import test from 'ava';
import fc from 'fast-check';
import { growTree, resolveWords } from '../../../ts/cli/grammar/tree.ts';
import { UsageError } from '../../../ts/cli/grammar/usage_error.ts';
import { sampleCommands } from './sample.ts';

const tree = growTree(sampleCommands);
const resolve = (line: string) => {
  const { node, used } = resolveWords(tree, line.split(' '));
  return `${node.path.join(' ')}/${used}`;
};

test('words, prefixes of words, and what follows them', (t) => {
  t.is(resolve('drive create x'), 'drive create/2');
  t.is(resolve('d c x'), 'drive create/2');
  t.is(resolve('dr l --output-format json'), 'drive list/2');
  t.is(resolve('every'), 'every/1');
  t.is(resolve('--output-format json drive list'), '/0');
});

test('a whole word wins over words it is a prefix of', (t) => {
  t.is(resolve('load-media'), 'load-media/1');
  t.is(resolve('load-media-f'), 'load-media-from-slot/1');
});

test('a command may have commands below it', (t) => {
  t.is(resolve('catalog'), 'catalog/1');
  t.is(resolve('catalog --x'), 'catalog/1');
  t.is(resolve('cat exp'), 'catalog export/2');
  t.is(resolve('catalog something'), 'catalog/1');
});

test('an alias is accepted, and never makes a prefix ambiguous', (t) => {
  t.is(resolve('format'), 'format/1');
  t.is(resolve('form'), 'format/1');
  t.is(resolve('drive ls'), 'drive ls/2');
  t.is(resolve('drive l'), 'drive list/2');
});

test('ambiguous and unknown words are errors of their level', (t) => {
  const ambiguous = t.throws(() => resolve('load'), { instanceOf: UsageError });
  t.is(ambiguous?.message, "ambiguous command 'load': load-media, load-media-from-slot");
  const unknown = t.throws(() => resolve('drive crate'), { instanceOf: UsageError });
  t.is(unknown?.message, "no such command 'drive crate': create?");
  t.deepEqual(unknown?.path, ['drive']);
  t.is(t.throws(() => resolve('xyzzy'))?.message, "no such command 'xyzzy'");
});

test('every prefix of every word names its command, or is ambiguous', (t) => {
  const lines = Object.entries(sampleCommands).filter(([, entry]) => !entry.aliasOf);
  fc.assert(
    fc.property(
      fc.constantFrom(...lines.map(([line]) => line)),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (line, cuts) => {
        const words = line.split(' ').map((word) => {
          const cut = cuts.next().value as number;
          return word.slice(0, Math.max(1, Math.ceil(cut * word.length)));
        });
        try {
          t.is(resolveWords(tree, words).node.path.join(' '), line);
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          t.regex(error.message, /^ambiguous/);
        }
      },
    ),
  );
});
