import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { optional } from '../grammar/parameter.ts';
import { flag } from '../parameters.ts';
import { deviceOptions, driverOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Set exactly these options of the tape driver (root only).',
  details: 'Without options and without --defaults all are turned off.',
  examples: [['stoptions --defaults', 'What suits most drives:']],
  positionals: { options: optional(driverOptions) },
  options: {
    ...deviceOptions,
    defaults: flag('Set default options (buffer-writes async-writes read-ahead can-bsr).'),
  },
  output: nothing,
  async run({ options = [], defaults = false, ...choice }, context) {
    const { replacementBits } = await import('../../library/drives/driver_options.ts');
    const bits = await replacementBits(options, defaults);
    await onTape(choice, context, (tape) => tape.changeDriverOptions('replace', bits));
  },
});
