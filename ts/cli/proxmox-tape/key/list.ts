import type { KeyInfo } from '../../../native.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';

export default defineCommand({
  summary: 'List the tape encryption keys.',
  examples: [['key list', 'All keys with their password hints:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: table<KeyInfo>([{ name: 'fingerprint' }, { name: 'hint' }]),
  async run(_, { installation }) {
    const { listKeys } = await import('../../../keys/keys.ts');
    return listKeys(installation);
  },
});
