import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Move to the end of data.',
  examples: [['eod', 'Behind the last file of the tape:']],
  positionals: {},
  options: deviceOptions,
  output: nothing,
  async run(choice, context) {
    await onTape(choice, context, (tape) => tape.seekEndOfData());
  },
});
