import type { PoolConfig } from '../../../config/pool_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';
import { encrypt } from '../../report/renderers.ts';

export default defineCommand({
  summary: 'List the media pools.',
  examples: [['pool list', 'All pools:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: table<PoolConfig>([
    { name: 'name' },
    { name: 'drive' },
    { name: 'allocation' },
    { name: 'retention' },
    { name: 'template' },
    { name: 'encrypt', render: encrypt },
  ]),
  async run(_, { installation }) {
    const { listPools } = await import('../../../config/pools.ts');
    return listPools(installation);
  },
});
