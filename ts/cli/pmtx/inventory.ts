import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, onChanger } from './parameters.ts';

export default defineCommand({
  summary: 'Let a library look at all its slots again.',
  details: 'That may take minutes.',
  examples: [['inventory', 'After somebody sorted tapes by hand:']],
  positionals: {},
  options: deviceOptions,
  output: nothing,
  async run(choice, context) {
    await onChanger(choice, context, (changer) => changer.inventory());
  },
});
