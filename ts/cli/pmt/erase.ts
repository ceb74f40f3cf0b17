import Type from 'typebox';
import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { defaulted } from '../grammar/parameter.ts';
import { deviceOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Erase the tape from where it stands.',
  examples: [['erase', 'Make the data inaccessible:']],
  positionals: {},
  options: {
    ...deviceOptions,
    fast: defaulted(Type.Boolean(), true, { description: 'Do not overwrite the whole tape, which takes hours.' }),
  },
  output: nothing,
  async run({ fast, ...choice }, context) {
    await onTape(choice, context, (tape) => tape.eraseHere(fast));
  },
});
