import Type from 'typebox';
import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { defaulted } from '../grammar/parameter.ts';
import { deviceOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Format the tape: one partition, nothing on it.',
  details: 'What this is depends on the generation of the drive.',
  examples: [['format', 'From the beginning of the tape:']],
  positionals: {},
  options: {
    ...deviceOptions,
    fast: defaulted(Type.Boolean(), true, { description: 'Do not overwrite the whole tape, which takes hours.' }),
  },
  output: nothing,
  async run({ fast, ...choice }, context) {
    for (const note of await onTape(choice, context, (tape) => tape.format(fast))) context.report.info(note);
  },
});
