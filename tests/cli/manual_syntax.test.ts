/**
 * The declarations against the manual's syntax chapters (tests/vectors/manual-syntax.txt): name, positionals, options,
 * types and defaults of each command, line by line. What differs is listed below with the decision behind it
 * (behaviour.md section 22); what is not declared yet is counted.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { CommandDescription, ParameterDescription } from '../../ts/cli/grammar/description.ts';
import { usageLine } from '../../ts/cli/grammar/help.ts';
import { HELP } from '../../ts/cli/grammar/help_command.ts';
import { describeCommands, type Program } from '../../ts/cli/grammar/program.ts';
import { program as pmt } from '../../ts/cli/pmt/program.ts';
import { program as pmtx } from '../../ts/cli/pmtx/program.ts';
import { program as proxmoxTape } from '../../ts/cli/proxmox-tape/program.ts';

const COMMANDS_IN_MANUAL = 89;
/** Of the manual's commands, the ones not declared yet. */
const MISSING: readonly string[] = [];

interface Difference {
  readonly because: string;
  /** Lines that the manual does not have. */
  readonly more?: readonly string[];
  /** Lines of the manual that are not declared. */
  readonly less?: readonly string[];
}

/** Of jobs, in newer versions of PBS. */
const NEWER_JOB_OPTIONS = [
  '--group-filter <array>',
  '--max-depth <integer> (0 - 7)',
  '--notification-mode legacy-sendmail|notification-system',
  '--ns <string>',
  '--worker-threads <integer> (1 - 32)',
];

const NO_WAIT = '--no-wait <boolean>';

const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'proxmox-tape drive create': {
    because: 'D24; --type also tells apart the two sections of tape devices',
    more: ['--type virtual|lto|linux', '--max-size <integer> (0 - N)'],
  },
  'proxmox-tape changer create': { because: 'PBS since', more: ['--eject-before-unload <boolean>'] },
  'proxmox-tape changer update': { because: 'PBS since', more: ['--eject-before-unload <boolean>'] },
  'proxmox-tape inventory': { because: 'PBS since', more: ['--catalog <boolean>'] },
  'proxmox-tape drive update': { because: 'D24', more: ['--max-size <integer> (0 - N)'] },
  'proxmox-tape catalog': { because: 'files inside snapshots', more: ['--files <boolean>'] },
  'proxmox-tape backup': {
    because: 'PBS checks CRCs only; plans; newer PBS',
    more: [
      NO_WAIT,
      '--verify crc|sha256',
      '--dry-run <boolean>',
      '--force-media-set <boolean>',
      '--notify-user <string>',
      ...NEWER_JOB_OPTIONS,
    ],
  },
  'proxmox-tape media destroy': {
    because: 'newer PBS: by UUID',
    more: ['proxmox-tape media destroy [<label-text>] [OPTIONS]', '--uuid <string>'],
    less: ['proxmox-tape media destroy <label-text> [OPTIONS]'],
  },
  'proxmox-tape backup-job run': {
    because: 'D11, D21: progress',
    more: ['proxmox-tape backup-job run <id> [OPTIONS]', NO_WAIT],
    less: ['proxmox-tape backup-job run <id>'],
  },
  'proxmox-tape backup-job create': { because: 'newer PBS', more: NEWER_JOB_OPTIONS },
  'proxmox-tape backup-job update': { because: 'newer PBS', more: NEWER_JOB_OPTIONS },
  'proxmox-tape key change-passphrase': { because: 'PBS has it since 2.1', more: ['--force <boolean>'] },
  'proxmox-tape key remove': { because: 'D28', more: ['--force <boolean>'] },
  'proxmox-tape pool create': { because: 'D3', more: ['--drive <string>'] },
  'proxmox-tape restore': {
    because: 'D11; plans; newer PBS: chosen snapshots, namespaces, notification mode',
    more: [
      'proxmox-tape restore <media-set> <store> [{<snapshots>}] [OPTIONS]',
      '<snapshots> : <array>',
      '--dry-run <boolean>',
      '--list <string>',
      '--namespaces <array>',
      NO_WAIT,
      '--notification-mode legacy-sendmail|notification-system',
    ],
    less: ['proxmox-tape restore <media-set> <store> [OPTIONS]'],
  },
  'proxmox-tape pool update': { because: 'D3', more: ['--drive <string>'] },
};

/** Of commands that run tasks (D21). */
const PROGRESS = '--progress auto|json|none';

const parameterLine = (syntax: string, { typeText, default: fallback }: ParameterDescription) =>
  `${syntax} ${typeText}${fallback === undefined ? '' : `   (default=${fallback})`}`;

function linesOf(program: Program, command: CommandDescription): string[] {
  const options = command.options.filter(({ name }) => !program.commonOptions.includes(name));
  return [
    usageLine(program.name, { ...command, options }),
    ...command.positionals.map((positional) => parameterLine(`<${positional.name}> :`, positional)),
    ...options.map((option) => parameterLine(`--${option.name}`, option)),
  ].filter((line) => line !== PROGRESS);
}

function readManual(): Map<string, string[]> {
  const text = readFileSync(join(import.meta.dirname, '../../../tests/vectors/manual-syntax.txt'), 'utf8');
  const blocks = text.split('\n\n').map((block) =>
    block
      .trim()
      .split('\n')
      .map((line) => line.trim()),
  );
  const commands = blocks.filter(([usage = '']) => !usage.startsWith('#'));
  return new Map(commands.map(([usage = '', ...parameters]) => [wordsOf(usage), [usage, ...parameters]]));
}

/** The words of a usage line in front of its parameters. */
const wordsOf = (usage: string) => /^[a-z -]*?(?= *[<[{]| --|$)/.exec(usage)?.[0] ?? '';

const manual = readManual();

test('the extract has all commands of the manual', (t) => {
  t.is(manual.size, COMMANDS_IN_MANUAL);
});

for (const program of [proxmoxTape, pmt, pmtx]) {
  test(`${program.name}: declared as in the manual`, async (t) => {
    for (const command of [...(await describeCommands(program.commands)), HELP]) {
      const words = [program.name, ...command.path].join(' ');
      const expected = manual.get(words);
      if (!expected) continue; // a command of our own
      const declared = linesOf(program, command);
      const { more = [], less = [] } = DIFFERENCES[words] ?? {};
      t.deepEqual(
        {
          more: declared.filter((line) => !expected.includes(line)).sort(),
          less: expected.filter((line) => !declared.includes(line)).sort(),
        },
        { more: [...more].sort(), less: [...less].sort() },
        words,
      );
    }
  });

  test(`${program.name}: what of the manual is still missing`, async (t) => {
    const declared = (await describeCommands(program.commands)).map(({ path }) => [program.name, ...path].join(' '));
    const missing = [...manual.keys()]
      .filter((words) => words.startsWith(`${program.name} `) && words !== `${program.name} help`)
      .filter((words) => !declared.includes(words));
    if (missing.length > 0) t.log(`${missing.length} still missing: ${missing.join(', ')}`);
    t.deepEqual(
      missing,
      MISSING.filter((words) => words.startsWith(`${program.name} `)),
    );
  });

  test(`${program.name}: the stored descriptions are those of the declarations (scripts/generate-cli)`, async (t) => {
    t.deepEqual(await program.descriptions(), JSON.parse(JSON.stringify(await describeCommands(program.commands))));
  });
}

test('differences are of commands that exist', (t) => {
  t.deepEqual(
    Object.keys(DIFFERENCES).filter((words) => !manual.has(words)),
    [],
  );
});

test('every command has a summary, an example, and described parameters', async (t) => {
  for (const program of [proxmoxTape, pmt, pmtx]) {
    for (const command of [...(await describeCommands(program.commands)), HELP]) {
      const words = [program.name, ...command.path].join(' ');
      t.regex(command.summary, /^[A-Z].*\.$/, words);
      t.true(command.examples.length > 0, words);
      for (const [line] of command.examples) t.true(line.startsWith(command.path.join(' ')), line);
      for (const { name, description } of [...command.positionals, ...command.options]) {
        t.not(description, '', `${words}: ${name}`);
      }
      t.true(
        command.positionals.slice(0, -1).every(({ required, kind }) => required && kind !== 'array'),
        words,
      );
    }
  }
});
