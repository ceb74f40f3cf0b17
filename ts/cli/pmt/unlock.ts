import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Unlock the door of the drive.',
  examples: [['unlock', 'The tape can be taken out again:']],
  positionals: {},
  options: deviceOptions,
  output: nothing,
  async run(choice, context) {
    await onTape(choice, context, (tape) => tape.unlockDoor());
  },
});
