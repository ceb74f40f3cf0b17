/** A small program with one command of every shape, to test the grammar with. */
import Type from 'typebox';
import { type Command, defineCommand } from '../../../ts/cli/grammar/command.ts';
import { answer, nothing, table, taskLog, text } from '../../../ts/cli/grammar/output.ts';
import { defaulted, optional } from '../../../ts/cli/grammar/parameter.ts';
import { describeCommands, type Program } from '../../../ts/cli/grammar/program.ts';
import type { CommandIndex } from '../../../ts/cli/grammar/tree.ts';
import { outputFormat, progress } from '../../../ts/cli/parameters.ts';
import { poolName } from '../../../ts/config/identifiers.ts';
import { FerriteError } from '../../../ts/errors.ts';

const everything = defineCommand({
  summary: 'Takes a parameter of every kind and prints what it got.',
  details: 'The first paragraph of details.\n\nThe second one.',
  examples: [['every thing one two', 'Two positionals:']],
  positionals: { name: poolName, rest: Type.Optional(Type.Array(Type.String(), { description: 'The rest.' })) },
  options: {
    'output-format': outputFormat,
    depth: Type.Optional(Type.Integer({ default: 7, description: 'How deep; what it is if not given.' })),
    count: optional(Type.Integer({ minimum: 1, description: 'How many.' })),
    fast: defaulted(Type.Boolean(), true, { description: 'Fast or not.' }),
    force: optional(Type.Boolean(), { description: 'Even if it is wrong.' }),
    kind: Type.Optional(Type.Enum(['vm', 'ct', 'host'], { description: 'Kind.' })),
    delete: Type.Optional(Type.Array(Type.Enum(['a', 'b']), { description: 'What to delete.' })),
    'label-text': optional(Type.String({ minLength: 2 }), { aliases: ['changer-id'], description: 'Label.' }),
    pool: optional(poolName, { completion: 'pool' }),
  },
  output: text<Record<string, unknown>>((value) => [JSON.stringify(value)]),
  run: async ({ 'output-format': _format, ...parameters }) => parameters,
});

const create = defineCommand({
  summary: 'Needs an option.',
  examples: [],
  positionals: { name: poolName },
  options: { path: Type.String({ description: 'A path.' }) },
  output: nothing,
  run: async () => {},
});

const list = defineCommand({
  summary: 'Lists.',
  examples: [],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: table<{ labelText: string; seqNr: number; note?: string }>([
    { name: 'label-text', header: 'changer-id' },
    { name: 'seq-nr', type: 'integer' },
  ]),
  run: async () => [
    { labelText: 'tape2', seqNr: 10 },
    { labelText: 'tape1', seqNr: 9, note: 'only in JSON' },
  ],
});

const fail = defineCommand({
  summary: 'Fails as told.',
  examples: [],
  positionals: { kind: Type.Enum(['operator', 'aborted', 'bug']) },
  options: {},
  output: nothing,
  run: async ({ kind }) => {
    if (kind === 'bug') throw new TypeError('a programmer was here');
    throw new FerriteError(kind, 'sample', 'drive \u001b[31mx is busy');
  },
});

const task = defineCommand({
  summary: 'Runs a task.',
  examples: [],
  positionals: { end: Type.Enum(['well', 'badly', 'aborted']) },
  options: { 'output-format': outputFormat, progress },
  output: taskLog,
  run: ({ end }, { report }) =>
    report.task(async (observer) => {
      observer.started('UPID:sample:');
      observer.line('info', 'one fact');
      observer.progress({ activity: 'vm/100', doneBytes: 1536, totalBytes: 3072, fraction: 0.5, bytesPerSecond: 1024 });
      observer.line('warn', 'something odd');
      if (end === 'well') return { upid: 'UPID:sample:', status: 'WARNINGS: 1', warnings: 1, value: undefined };
      const error = new FerriteError(end === 'badly' ? 'data' : 'aborted', 'sample', 'it broke');
      return { upid: 'UPID:sample:', status: error.message, warnings: 1, error };
    }),
});

const device = defineCommand({
  summary: 'Asks a device.',
  examples: [],
  positionals: { answer: Type.Enum(['fine', 'broken', 'nonsense']) },
  options: { 'output-format': outputFormat },
  output: answer<{ peripheral_type: number; vendor: string }>(({ vendor }) => [`Vendor: ${vendor}`]),
  run: async ({ answer: wanted }) => {
    if (wanted === 'fine') return { vendor: 'IBM', peripheral_type: 8 };
    throw new FerriteError(wanted === 'broken' ? 'system' : 'usage', 'sample', 'no medium');
  },
});

const module = (command: Command) => ({ load: async () => ({ default: command }) });

export const sampleCommands: CommandIndex = {
  'every thing': module(everything),
  'drive create': module(create),
  'drive list': module(list),
  'drive ls': { ...module(list), aliasOf: 'drive list' },
  erase: module(fail),
  format: { ...module(fail), aliasOf: 'erase' },
  catalog: module(list),
  'catalog export': module(list),
  inquiry: module(device),
  task: module(task),
  'load-media': module(list),
  'load-media-from-slot': module(list),
};

export const sample: Program = {
  name: 'sample',
  version: () => '1.2.3',
  commands: sampleCommands,
  descriptions: () => describeCommands(sampleCommands),
  keyOrder: 'sorted',
  commonOptions: ['output-format'],
  completers: async () => ({ pool: async () => ['daily', 'weekly'] }),
};
