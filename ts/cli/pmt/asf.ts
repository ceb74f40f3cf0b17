import Type from 'typebox';
import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Position the tape at the beginning of a file.',
  details: 'That is a number of file marks from the beginning of the tape; 0 rewinds.',
  examples: [['asf 2', 'Behind the two labels:']],
  positionals: {
    // Newer releases of PBS accept 0 as well.
    count: Type.Integer({
      minimum: 0,
      maximum: 2_147_483_647,
      typeText: '<integer> (1 - 2147483647)',
      description: 'File mark count.',
    }),
  },
  options: deviceOptions,
  output: nothing,
  async run({ count, ...choice }, context) {
    await onTape(choice, context, (tape) => tape.locateFile(count));
  },
});
