import type { DriveEntry } from '../../../library/devices.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';

export default defineCommand({
  summary: 'List the configured drives.',
  details: 'The JSON formats also tell what a drive is used for, and what it does, at the moment.',
  examples: [['drive list', 'All drives, also virtual ones:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: table<DriveEntry>([
    { name: 'name' },
    { name: 'path' },
    { name: 'changer' },
    { name: 'vendor' },
    { name: 'model' },
    { name: 'serial' },
  ]),
  async run(_, { installation }) {
    const { listConfiguredDrives } = await import('../../../library/devices.ts');
    return listConfiguredDrives(installation);
  },
});
