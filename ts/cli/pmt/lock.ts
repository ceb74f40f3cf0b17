import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Lock the door of the drive.',
  examples: [['lock', 'Nobody can take the tape out:']],
  positionals: {},
  options: deviceOptions,
  output: nothing,
  async run(choice, context) {
    await onTape(choice, context, (tape) => tape.lockDoor());
  },
});
