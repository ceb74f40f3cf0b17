import test from 'ava';
import { runIn } from '../run.ts';
import { sample } from './sample.ts';

const run = (line: string) => runIn(sample, line.split(' '));

test('the list of all commands', async (t) => {
  const { code, stdout } = await run('help');
  t.is(code, 0);
  t.is(
    stdout,
    `Usage:

sample catalog
sample catalog export
sample drive create <name> --path <string>
sample drive list
sample erase <kind>
sample every thing <name> [{<rest>}] [OPTIONS]
sample help [{<command>}] [OPTIONS]
sample inquiry <answer>
sample load-media
sample load-media-from-slot
sample task <end> [OPTIONS]
`,
  );
});

test('a group lists its commands; a command that is one as well comes first', async (t) => {
  t.is((await run('help drive')).stdout, 'Usage:\n\nsample drive create <name> --path <string>\nsample drive list\n');
  const { stdout } = await run('help catalog');
  t.true(stdout.startsWith('Usage: sample catalog [OPTIONS]\n\nLists.\n'));
  t.true(stdout.endsWith('\nUsage:\n\nsample catalog export\n'));
});

test('all about one command', async (t) => {
  t.is(
    (await run('help every thing')).stdout,
    `Usage: sample every thing <name> [{<rest>}] [OPTIONS]

Takes a parameter of every kind and prints what it got.

The first paragraph of details.

The second one.

 <name>     <string>
             Media pool name.

 <rest>     <array>
             The rest.

Optional parameters:

 --count    <integer> (1 - N)
             How many.

 --delete   <array>
             What to delete.

 --depth    <integer>   (default=7)
             How deep; what it is if not given.

 --fast     <boolean>   (default=true)
             Fast or not.

 --force    <boolean>
             Even if it is wrong.

 --kind     vm|ct|host
             Kind.

 --label-text <string>
             Label.

 --output-format text|json|json-pretty
             Output format.

 --pool     <string>
             Media pool name.

Examples:

  Two positionals:
    sample every thing one two
`,
  );
});

test('descriptions are wrapped at 80 columns', async (t) => {
  const { stdout } = await run('help task');
  t.true(stdout.split('\n').every((line) => line.length <= 80));
  t.regex(stdout, /^ {13}Progress on standard error.*\n {13}\S/m);
});

test('words may be prefixes', async (t) => {
  t.is((await run('help d c')).stdout, (await run('help drive create')).stdout);
  t.is((await run('he d')).stdout, (await run('help drive')).stdout);
});

test('--verbose: long for groups, short for a command if false', async (t) => {
  const { stdout } = await run('help drive --verbose');
  t.true(stdout.startsWith('Usage: sample drive create <name> --path <string>\n\nNeeds an option.\n'));
  t.true(stdout.includes('\n\nUsage: sample drive list [OPTIONS]\n'));
  t.is(
    (await run('help every thing --verbose false')).stdout,
    'Usage: sample every thing <name> [{<rest>}] [OPTIONS]\n',
  );
  t.true((await run('help --verbose drive create')).stdout.startsWith('Usage: sample drive create'));
});

test('help of an alias is that of its command', async (t) => {
  t.true((await run('help format')).stdout.startsWith('Usage: sample erase <kind>\n'));
});

test('an unknown word is an error (D22)', async (t) => {
  const { code, stdout, stderr } = await run('help drive nothing');
  t.is(code, 255);
  t.is(stdout, '');
  t.true(stderr.startsWith("Error: no such command 'drive nothing'\nUsage:\n\nsample drive create"));
  t.is((await run('help drive list more')).code, 255);
  t.is((await run('help --verbos')).code, 255);
});

test('printdoc prints every command as reStructuredText', async (t) => {
  const { stdout } = await run('printdoc');
  t.true(stdout.startsWith('Command syntax of sample\n========================\n'));
  t.true(stdout.includes('``sample drive create <name> --path <string>``\n'));
  t.true(stdout.includes('\n``--fast`` : ``<boolean>`` (default: true)\n  Fast or not.\n'));
  t.true(stdout.includes('``sample help [{<command>}] [OPTIONS]``'));
  t.true(stdout.includes('\nExit codes\n----------\n\n0\n  Done.'));
});
