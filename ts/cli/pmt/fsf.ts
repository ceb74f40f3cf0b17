import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, fileMarkCount, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Space forward over file marks.',
  details: 'The tape ends up at the first block of a file.',
  examples: [['fsf 1', 'To the next file:']],
  positionals: { count: fileMarkCount },
  options: deviceOptions,
  output: nothing,
  async run({ count, ...choice }, context) {
    await onTape(choice, context, (tape) => tape.spaceFilemarks(count));
  },
});
