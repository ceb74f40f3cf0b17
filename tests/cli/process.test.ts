/** The built commands as processes of their own: entry points, exit codes, environment, speed. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EXIT_CODES } from '../../ts/cli/grammar/exit_codes.ts';
import { runTool } from './run.ts';

async function emptyRoot(t: ExecutionContext): Promise<Record<string, string>> {
  const root = await mkdtemp(join(tmpdir(), 'ferrite-process-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  return { PROXMOX_TAPE_ROOT: root };
}

test('the exit codes are those of the table', (t) => {
  t.deepEqual(
    Object.values(EXIT_CODES).map(({ code }) => code),
    [0, 129, 130, 141, 143, 255],
  );
  for (const { meaning } of Object.values(EXIT_CODES)) t.regex(meaning, /\.$/);
});

for (const tool of ['proxmox-tape', 'pmt', 'pmtx'] as const) {
  test(`${tool}: help, version, printdoc, wrong words`, async (t) => {
    const help = await runTool(tool, ['help']);
    t.is(help.code, 0);
    t.is(help.stderr, '');
    t.true(help.stdout.startsWith('Usage:\n\n'));
    t.true(help.stdout.includes(`\n${tool} help [{<command>}] [OPTIONS]\n`));
    t.regex((await runTool(tool, ['--version'])).stdout, new RegExp(`^${tool} \\d+\\.\\d+\\.\\d+\n$`));
    t.true((await runTool(tool, ['printdoc'])).stdout.includes('``--verbose`` : ``<boolean>``'));
    const wrong = await runTool(tool, ['nonsense']);
    t.is(wrong.code, 255);
    t.is(wrong.stdout, '');
    t.true(wrong.stderr.startsWith("Error: no such command 'nonsense'\nUsage:\n\n"));
    t.is((await runTool(tool, ['help', 'nonsense'])).code, 255);
    t.is((await runTool(tool, [])).code, 255);
  });
}

test('a command that reads configuration, from the environment', async (t) => {
  const env = await emptyRoot(t);
  t.deepEqual(await runTool('proxmox-tape', ['pool', 'list'], { env }), { code: 0, stdout: '', stderr: '' });
  const json = { ...env, PROXMOX_OUTPUT_FORMAT: 'json' };
  t.is((await runTool('proxmox-tape', ['dr', 'l'], { env: json })).stdout, '[]\n');
  const wrong = await runTool('proxmox-tape', ['pool', 'list'], { env: { ...env, PROXMOX_OUTPUT_FORMAT: 'xml' } });
  t.is(wrong.code, 255);
  t.is(wrong.stdout, '');
  const missing = await runTool('proxmox-tape', ['pool', 'config', 'daily'], { env });
  t.is(missing.code, 255);
  t.regex(missing.stderr, /^Error: media pool 'daily' does not exist/);
});

test('no place to keep files is an error of commands, not of help', async (t) => {
  t.is((await runTool('proxmox-tape', ['help', 'pool', 'list'])).code, 0);
});

test('completion as bash calls it', async (t) => {
  const env = { ...(await emptyRoot(t)), COMP_LINE: 'proxmox-tape drive c', COMP_POINT: '20' };
  const words = ['bashcomplete', 'proxmox-tape', 'c', 'drive'];
  t.deepEqual(await runTool('proxmox-tape', words, { env }), { code: 0, stdout: 'config\ncreate\n', stderr: '' });
});

test('a reader that goes away ends the output, not in a stack trace', async (t) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../ts/cli/proxmox-tape/main.js'), 'printdoc']);
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  t.is(stderr, '');
  t.is(code, EXIT_CODES.brokenPipe.code);
});

test.serial('help and completion load neither the native core, TypeBox nor any command', async (t) => {
  const main = join(import.meta.dirname, '../../ts/cli/proxmox-tape/main.js');
  const { loaded } = await import('./loaded_modules.ts');
  const modules = await loaded(main, ['help']);
  const heavy = modules.filter((path) =>
    /typebox|clipanion|luxon|sql\.js|native|cli\/proxmox-tape\/[a-z-]+\//.test(path),
  );
  t.deepEqual(heavy, []);
});
