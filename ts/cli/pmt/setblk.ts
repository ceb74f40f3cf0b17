import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { blockBytes, deviceOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Set the block size of a drive.',
  details: '0 is variable, which is what backups use.',
  examples: [['setblk 0', 'Blocks of any size:']],
  positionals: { size: blockBytes },
  options: deviceOptions,
  output: nothing,
  async run({ size, ...choice }, context) {
    await onTape(choice, context, (tape) => tape.setBlockSize(size));
  },
});
