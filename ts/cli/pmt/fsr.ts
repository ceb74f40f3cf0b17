import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, onTape, recordCount } from './parameters.ts';

export default defineCommand({
  summary: 'Space forward over records.',
  examples: [['fsr 2', 'Two blocks forward:']],
  positionals: { count: recordCount },
  options: deviceOptions,
  output: nothing,
  async run({ count, ...choice }, context) {
    await onTape(choice, context, (tape) => tape.spaceBlocks(count));
  },
});
