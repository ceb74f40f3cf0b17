import { poolName } from '../../../config/identifiers.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { poolOptions, warnOfMissingKey } from './properties.ts';

export default defineCommand({
  summary: 'Create a media pool.',
  details:
    'Without an allocation policy the pool continues its media set as long as it can; without a retention policy its ' +
    'data is kept for ever; media sets are named by the time they begin.',
  examples: [
    ['pool create daily --drive mydrive', 'A pool written with one drive:'],
    ['pool create weekly --allocation weekly --retention "5 weeks"', 'A new media set each week, kept five weeks:'],
  ],
  positionals: { name: poolName },
  options: poolOptions,
  output: nothing,
  async run(pool, { installation, report }) {
    const { createPool } = await import('../../../config/pools.ts');
    for (const note of await createPool(installation, pool)) report.info(note);
    await warnOfMissingKey(installation, pool.encrypt, report);
  },
});
