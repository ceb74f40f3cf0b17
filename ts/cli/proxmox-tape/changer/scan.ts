import type { ScannedDevice } from '../../../library/devices.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';

export default defineCommand({
  summary: 'List the tape changers of this machine.',
  details: 'Only devices with a name that stays the same after a reboot are listed.',
  examples: [['changer scan', 'What can be configured:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: table<ScannedDevice>([{ name: 'path' }, { name: 'vendor' }, { name: 'model' }, { name: 'serial' }]),
  async run() {
    const { scanDevices } = await import('../../../library/devices.ts');
    return scanDevices('changer');
  },
});
