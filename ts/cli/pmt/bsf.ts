import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, fileMarkCount, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Space backward over file marks.',
  details: 'The tape ends up in front of the last of them.',
  examples: [['bsf 1', 'In front of the file mark before:']],
  positionals: { count: fileMarkCount },
  options: deviceOptions,
  output: nothing,
  async run({ count, ...choice }, context) {
    await onTape(choice, context, (tape) => tape.spaceFilemarks(-count));
  },
});
