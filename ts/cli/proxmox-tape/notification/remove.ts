import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { targetPositional } from './properties.ts';

export default defineCommand({
  summary: 'Remove a notification target.',
  examples: [['notification remove office', 'Its password or token is forgotten, too:']],
  positionals: { name: targetPositional },
  options: {},
  output: nothing,
  async run({ name }, { installation }) {
    const { removeTarget } = await import('../../../config/notify.ts');
    await removeTarget(installation, name);
  },
});
