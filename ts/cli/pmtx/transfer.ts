import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, onChanger, slot } from './parameters.ts';

export default defineCommand({
  summary: 'Move a tape from one slot to another.',
  examples: [['transfer 2 15', 'From slot 2 to slot 15:']],
  positionals: { from: slot('Source storage slot number.'), to: slot('Target storage slot number.') },
  options: deviceOptions,
  output: nothing,
  async run({ from, to, ...choice }, context) {
    await onChanger(choice, context, (changer) => changer.transfer(from, to));
  },
});
