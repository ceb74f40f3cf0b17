import test from 'ava';
import type { Program } from '../../../ts/cli/grammar/program.ts';
import { runIn } from '../run.ts';
import { sample } from './sample.ts';

const run = (line: string, options = {}) => runIn(sample, line === '' ? [] : line.split(' '), options);

test('typed values reach the command, defaults filled in', async (t) => {
  const { code, stdout } = await run(
    'every thing p1 a b --count 3 --force --delete a --delete b --kind vm -pool daily',
  );
  t.is(code, 0);
  t.deepEqual(JSON.parse(stdout), {
    name: 'p1',
    rest: ['a', 'b'],
    count: 3,
    fast: true,
    force: true,
    kind: 'vm',
    delete: ['a', 'b'],
    pool: 'daily',
  });
});

test('absent optional parameters are absent, also where the schema tells what absence means', async (t) => {
  t.deepEqual(JSON.parse((await run('every thing p1 --fast no')).stdout), { name: 'p1', fast: false });
});

test('values are checked, all problems told, usage printed, nothing run', async (t) => {
  const { code, stdout, stderr } = await run('every thing - --count 0 --kind lxc --force=maybe --nothing');
  t.is(code, 255);
  t.is(stdout, '');
  t.deepEqual(stderr.split('\n').slice(0, 8), [
    'Error: 5 parameters are wrong',
    "- parameter 'nothing' is unknown",
    "- parameter 'name' must have 2 to 32 characters",
    "- parameter 'count' must be at least 1, not 0",
    "- parameter 'force' must be yes or no, not 'maybe'",
    "- parameter 'kind' must be one of vm, ct, host, not 'lxc'",
    'Usage: sample every thing <name> [{<rest>}] [OPTIONS]',
    '',
  ]);
  t.true(stderr.includes('\n --count    <integer> (1 - N)\n             How many.\n'));
});

test('one problem is one line', async (t) => {
  const { code, stderr } = await run('drive create p1');
  t.is(code, 255);
  t.is(stderr.split('\n')[0], "Error: parameter 'path' is missing");
  t.is(stderr.split('\n')[1], 'Usage: sample drive create <name> --path <string>');
});

test('surplus arguments are refused', async (t) => {
  t.is((await run('drive list a')).stderr.split('\n')[0], "Error: parameter 'a' is surplus");
});

test('no command, an unknown one, half a one', async (t) => {
  const none = await run('');
  t.is(none.code, 255);
  t.true(none.stderr.startsWith('Error: no command given\nUsage:\n\nsample catalog\nsample catalog export\n'));
  const half = await run('drive');
  t.is(half.code, 255);
  t.is(
    half.stderr,
    "Error: 'drive' needs one more word\nUsage:\n\nsample drive create <name> --path <string>\nsample drive list\n",
  );
  t.is((await run('drvie list')).stderr.split('\n')[0], "Error: no such command 'drvie': drive?");
});

test('success of a command that returns nothing is silent', async (t) => {
  t.deepEqual(await run('drive create p1 --path /x'), { code: 0, stdout: '', stderr: '' });
});

test('an alias runs its command', async (t) => {
  t.is((await run('format operator')).stderr, 'Error: drive \\x1b[31mx is busy\n');
});

test('exit codes: failures 255, aborted 130, bugs 255 with a stack', async (t) => {
  t.is((await run('erase operator')).code, 255);
  t.is((await run('erase aborted')).code, 130);
  const bug = await run('erase bug');
  t.is(bug.code, 255);
  t.regex(bug.stderr, /^Error: internal error: a programmer was here\nTypeError: .*\n +at /);
});

test('the output format: option, then environment, then text', async (t) => {
  const json = '[{"label-text":"tape2","seq-nr":10},{"label-text":"tape1","note":"only in JSON","seq-nr":9}]\n';
  t.is((await run('drive list --output-format json')).stdout, json);
  const env = { PROXMOX_OUTPUT_FORMAT: 'json' };
  t.is((await run('drive list', { env })).stdout, json);
  t.is((await run('drive list --output-format text', { env })).stdout.split('\n')[1], '│ changer-id │ seq-nr │');
  const pretty = (await run('drive list --output-format json-pretty')).stdout;
  t.true(pretty.startsWith('[\n  {\n    "label-text": "tape2",\n'));
});

test('an unknown output format is an error, from wherever it comes', async (t) => {
  const option = await run('drive list --output-format yaml');
  t.is(option.code, 255);
  t.is(option.stdout, '');
  const variable = await run('drive list', { env: { PROXMOX_OUTPUT_FORMAT: 'yaml' } });
  t.deepEqual(variable, {
    code: 255,
    stdout: '',
    stderr: "Error: PROXMOX_OUTPUT_FORMAT is 'yaml', which is not one of text, json, json-pretty\n",
  });
  t.is((await run('drive create p1 --path /x', { env: { PROXMOX_OUTPUT_FORMAT: 'yaml' } })).code, 0);
});

test('tables follow the environment', async (t) => {
  const lines = async (env: Record<string, string>) => (await run('drive list', { env })).stdout;
  t.is(await lines({ PROXMOX_OUTPUT_NO_BORDER: '' }), 'tape1  9\ntape2 10\n');
  t.is(
    await lines({ PROXMOX_OUTPUT_NO_HEADER: '1', LC_ALL: 'C' }),
    '+=======+====+\n| tape1 |  9 |\n+-------+----+\n| tape2 | 10 |\n+=======+====+\n',
  );
});

test('the answer of a device is Ok or Err in JSON; Err is a failure (D22)', async (t) => {
  const declared: Program = { ...sample, keyOrder: 'declared' };
  const ask = (line: string) => runIn(declared, line.split(' '));
  t.is((await ask('inquiry fine')).stdout, 'Vendor: IBM\n');
  t.deepEqual(await ask('inquiry fine --output-format json'), {
    code: 0,
    stdout: '{"Ok":{"vendor":"IBM","peripheral_type":8}}\n',
    stderr: '',
  });
  t.deepEqual(await ask('inquiry broken --output-format json'), {
    code: 255,
    stdout: '{"Err":"no medium"}\n',
    stderr: '',
  });
  t.deepEqual(await ask('inquiry broken'), { code: 255, stdout: '', stderr: 'Error: no medium\n' });
  t.deepEqual(await ask('inquiry nonsense --output-format json'), {
    code: 255,
    stdout: '',
    stderr: 'Error: no medium\n',
  });
});

test('--version and --help', async (t) => {
  t.is((await run('--version')).stdout, 'sample 1.2.3\n');
  t.is((await run('--help')).stdout, (await run('help')).stdout);
  t.is((await run('drive create --help x')).stdout, (await run('help drive create')).stdout);
  t.is((await run('drive create name --help')).stdout, (await run('help drive create')).stdout);
  t.true((await run('every thing -- --help')).stderr.startsWith("Error: parameter 'name' must be"));
});
