import type { ChangerEntry } from '../../../library/devices.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';

export default defineCommand({
  summary: 'List the configured changers.',
  examples: [['changer list', 'All changers; vendor, model and serial of those that are online:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: table<ChangerEntry>([
    { name: 'name' },
    { name: 'path' },
    { name: 'vendor' },
    { name: 'model' },
    { name: 'serial' },
  ]),
  async run(_, { installation }) {
    const { listConfiguredChangers } = await import('../../../library/devices.ts');
    return listConfiguredChangers(installation);
  },
});
