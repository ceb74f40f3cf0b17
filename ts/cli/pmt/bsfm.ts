import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, fileMarkCount, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Space backward over file marks, then forward over one.',
  details: 'The tape ends up at the first block of the file that is count - 1 files before the current one.',
  examples: [['bsfm 1', 'To the beginning of this file:']],
  positionals: { count: fileMarkCount },
  options: deviceOptions,
  output: nothing,
  async run({ count, ...choice }, context) {
    await onTape(choice, context, (tape) => tape.backwardToFile(count));
  },
});
