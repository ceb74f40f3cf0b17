import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Rewind the tape.',
  examples: [['rewind', 'To the beginning:']],
  positionals: {},
  options: deviceOptions,
  output: nothing,
  async run(choice, context) {
    await onTape(choice, context, (tape) => tape.rewind());
  },
});
