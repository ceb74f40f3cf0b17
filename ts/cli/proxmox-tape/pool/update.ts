import { deletablePoolProperties } from '../../../config/pools.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { deletions } from '../../parameters.ts';
import { poolOptions, poolPositional, warnOfMissingKey } from './properties.ts';

export default defineCommand({
  summary: 'Change the configuration of a media pool.',
  details: 'Deletions come first: a property that is deleted and given ends up set.',
  examples: [
    ['pool update daily --allocation daily --retention 7days', 'A new media set each day, kept for a week:'],
    ['pool update daily --delete template', 'Back to the default name of media sets:'],
  ],
  positionals: { name: poolPositional },
  options: { ...poolOptions, delete: deletions(deletablePoolProperties) },
  output: nothing,
  async run({ name, delete: deleted, ...changes }, { installation, report }) {
    const { updatePool } = await import('../../../config/pools.ts');
    for (const note of await updatePool(installation, name, changes, { delete: deleted })) report.info(note);
    await warnOfMissingKey(installation, changes.encrypt, report);
  },
});
