import { deletableTargetProperties } from '../../../config/notify.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { deletions, digestOption } from '../../parameters.ts';
import { targetOptions, targetPositional } from './properties.ts';

export default defineCommand({
  summary: 'Change the configuration of a notification target.',
  details: 'Deletions come first: a property that is deleted and given ends up set. Lists are replaced as a whole.',
  examples: [
    ['notification update office --event failure --event request', 'No more mail about jobs that went well:'],
    ['notification update office --disable', 'Silence for a while:'],
  ],
  positionals: { name: targetPositional },
  options: { ...targetOptions, delete: deletions(deletableTargetProperties), digest: digestOption },
  output: nothing,
  async run({ name, delete: deleted, digest, ...changes }, { installation }) {
    const { updateTarget } = await import('../../../config/notify.ts');
    await updateTarget(installation, name, changes, { delete: deleted, digest });
  },
});
