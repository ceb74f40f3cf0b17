import type { CartridgeAttribute } from '../../native.ts';
import { defineCommand } from '../grammar/command.ts';
import { table } from '../grammar/output.ts';
import { drive, outputFormat } from '../parameters.ts';

export default defineCommand({
  summary: 'Show the memory of the cartridge in a drive.',
  details:
    'Medium auxiliary memory attributes: who made the cartridge, how often it was loaded, what was written to it.',
  examples: [['cartridge-memory --drive mydrive', 'All attributes:']],
  positionals: {},
  options: { drive, 'output-format': outputFormat },
  output: table<CartridgeAttribute>([{ name: 'id', type: 'integer' }, { name: 'name' }, { name: 'value' }]),
  async run(access, { installation }) {
    const { cartridgeMemory } = await import('../../library/drives/diagnosis.ts');
    return cartridgeMemory(installation, access);
  },
});
