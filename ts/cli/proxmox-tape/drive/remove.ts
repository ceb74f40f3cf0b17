import { driveName } from '../../../config/identifiers.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate } from '../../grammar/parameter.ts';

export default defineCommand({
  summary: 'Remove a drive from the configuration.',
  details: 'Virtual tapes stay in their directory.',
  examples: [['drive remove mydrive', 'Forget a drive:']],
  positionals: { name: annotate(driveName, { completion: 'drive' }) },
  options: {},
  output: nothing,
  async run({ name }, { installation }) {
    const { removeDrive } = await import('../../../config/drives.ts');
    await removeDrive(installation, name);
  },
});
