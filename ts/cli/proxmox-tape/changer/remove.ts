import { changerName } from '../../../config/identifiers.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate } from '../../grammar/parameter.ts';

export default defineCommand({
  summary: 'Remove a changer from the configuration.',
  details: 'One that a drive refers to stays.',
  examples: [['changer remove sl3', 'Forget a changer:']],
  positionals: { name: annotate(changerName, { completion: 'changer' }) },
  options: {},
  output: nothing,
  async run({ name }, { installation }) {
    const { removeChanger } = await import('../../../config/changers.ts');
    await removeChanger(installation, name);
  },
});
