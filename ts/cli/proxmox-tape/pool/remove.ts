import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { poolPositional } from './properties.ts';

export default defineCommand({
  summary: 'Remove a media pool from the configuration.',
  details: 'Its tapes and what is known about them stay.',
  examples: [['pool remove daily', 'Forget a pool:']],
  positionals: { name: poolPositional },
  options: {},
  output: nothing,
  async run({ name }, { installation }) {
    const { removePool } = await import('../../../config/pools.ts');
    await removePool(installation, name);
  },
});
