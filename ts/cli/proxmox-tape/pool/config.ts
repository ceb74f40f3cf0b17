import type { PoolConfig } from '../../../config/pool_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';
import { poolPositional } from './properties.ts';

export default defineCommand({
  summary: 'Show the configuration of a media pool.',
  examples: [['pool config daily', 'One pool:']],
  positionals: { name: poolPositional },
  options: { 'output-format': outputFormat },
  output: record<PoolConfig>([
    { name: 'name' },
    { name: 'drive' },
    { name: 'allocation' },
    { name: 'retention' },
    { name: 'template' },
    { name: 'encrypt' },
    { name: 'comment' },
  ]),
  async run({ name }, { installation }) {
    const { poolConfig } = await import('../../../config/pools.ts');
    return poolConfig(installation, name);
  },
});
