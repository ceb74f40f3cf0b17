import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Load the tape that is in the mouth of the drive.',
  examples: [['load --device /dev/nst0', 'After an eject:']],
  positionals: {},
  options: deviceOptions,
  output: nothing,
  async run(choice, context) {
    await onTape(choice, context, (tape) => tape.loadMedium());
  },
});
