import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, fileMarkCount, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Space forward over file marks, then backward over one.',
  details: 'The tape ends up at the end of the file that is count - 1 files past the current one.',
  examples: [['fsfm 1', 'To the end of this file:']],
  positionals: { count: fileMarkCount },
  options: deviceOptions,
  output: nothing,
  async run({ count, ...choice }, context) {
    await onTape(choice, context, (tape) => tape.forwardBeforeMark(count));
  },
});
