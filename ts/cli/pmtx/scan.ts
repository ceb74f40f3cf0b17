import type { ScannedDevice } from '../../library/devices.ts';
import { defineCommand } from '../grammar/command.ts';
import { text } from '../grammar/output.ts';
import { outputFormat } from '../parameters.ts';

export default defineCommand({
  summary: 'List the tape changers of this machine.',
  examples: [['scan', 'What can be named with --device:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: text<readonly ScannedDevice[]>((devices) =>
    devices.map(({ path, vendor, model, serial }) => `${path} (${vendor}/${model}/${serial})`),
  ),
  async run() {
    const { scanDevices } = await import('../../library/devices.ts');
    return scanDevices('changer');
  },
});
