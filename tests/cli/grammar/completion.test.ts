import test from 'ava';
import fc from 'fast-check';
import { splitLine } from '../../../ts/cli/grammar/completion.ts';
import { runIn } from '../run.ts';
import { sample } from './sample.ts';

async function complete(line: string, point?: number): Promise<string[]> {
  const env = {
    COMP_LINE: `sample ${line}`,
    COMP_POINT: String(point ?? `sample ${line}`.length),
    HOME: '/nonexistent',
  };
  const { code, stdout } = await runIn(sample, ['bashcomplete'], { env });
  if (code !== 0) throw new Error(`exit code ${code}`);
  return stdout === '' ? [] : stdout.trimEnd().split('\n');
}

test('words of commands', async (t) => {
  t.deepEqual(await complete(''), [
    'catalog',
    'drive',
    'erase',
    'every',
    'help',
    'inquiry',
    'load-media',
    'load-media-from-slot',
    'task',
  ]);
  t.deepEqual(await complete('dr'), ['drive']);
  t.deepEqual(await complete('drive '), ['create', 'list']);
  t.deepEqual(await complete('d cr'), ['create']);
  t.deepEqual(await complete('nothing '), []);
  t.deepEqual(await complete('help dr'), ['drive']);
  t.deepEqual(await complete('help drive '), ['create', 'list']);
  t.deepEqual(await complete('help drive list '), []);
});

test('options that are not there yet', async (t) => {
  const options = await complete('every thing --');
  t.true(options.includes('--count') && options.includes('--pool') && !options.includes('--name'));
  t.deepEqual(await complete('every thing --count 3 --fo'), ['--force']);
  t.deepEqual(await complete('every thing --count 3 --co'), []);
  t.deepEqual(await complete('every thing --delete a --del'), ['--delete']);
  t.deepEqual(await complete('drive list '), ['--output-format']);
});

test('values', async (t) => {
  t.deepEqual(await complete('every thing --kind '), ['vm', 'ct', 'host']);
  t.deepEqual(await complete('every thing --kind=h'), ['host']);
  t.deepEqual(await complete('every thing --delete '), ['a', 'b']);
  t.deepEqual(await complete('every thing p1 --pool w'), ['weekly']);
  t.deepEqual(await complete('every thing --fast t'), ['true']);
  t.deepEqual(await complete('erase '), ['operator', 'aborted', 'bug']);
  t.deepEqual(await complete('format '), ['operator', 'aborted', 'bug']);
  t.deepEqual(await complete('every thing --count '), []);
});

test('after a boolean option another may follow at once', async (t) => {
  t.true((await complete('every thing --force --co')).includes('--count'));
});

test('only what stands before the cursor counts', async (t) => {
  t.deepEqual(await complete('drive list --output-format json', 'sample dr'.length), ['drive']);
});

test('a completer that fails offers nothing', async (t) => {
  const broken = { ...sample, completers: async () => ({ pool: () => Promise.reject(new Error('unreadable')) }) };
  const env = { COMP_LINE: 'sample every thing --pool ', COMP_POINT: '26' };
  t.deepEqual(await runIn(broken, ['bashcomplete'], { env }), { code: 0, stdout: '', stderr: '' });
});

test('lines are split as a shell does', (t) => {
  t.deepEqual(splitLine('a "b c" d\\ e \'f"g\' h'), { words: ['a', 'b c', 'd e', 'f"g'], current: 'h' });
  t.deepEqual(splitLine('a b '), { words: ['a', 'b'], current: '' });
});

test('no line makes completion fail', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.nat(40), async (line, point) => {
      await complete(`every ${line}`, point);
      t.pass();
    }),
    { numRuns: 50 },
  );
});
