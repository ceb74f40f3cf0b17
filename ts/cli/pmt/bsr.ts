import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, onTape, recordCount } from './parameters.ts';

export default defineCommand({
  summary: 'Space backward over records.',
  examples: [['bsr 2', 'Two blocks back:']],
  positionals: { count: recordCount },
  options: deviceOptions,
  output: nothing,
  async run({ count, ...choice }, context) {
    await onTape(choice, context, (tape) => tape.spaceBlocks(-count));
  },
});
