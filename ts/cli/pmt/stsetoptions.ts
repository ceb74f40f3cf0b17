import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, driverOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Set options of the tape driver (root only).',
  details: 'Those not named stay as they are.',
  examples: [['stsetoptions buffer-writes can-bsr', 'Turn on two of them:']],
  positionals: { options: driverOptions },
  options: deviceOptions,
  output: nothing,
  async run({ options, ...choice }, context) {
    const { driverOptionBits } = await import('../../library/drives/driver_options.ts');
    const bits = await driverOptionBits(options);
    await onTape(choice, context, (tape) => tape.changeDriverOptions('set', bits));
  },
});
