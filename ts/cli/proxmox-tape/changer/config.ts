import { changerName } from '../../../config/identifiers.ts';
import type { ChangerConfig } from '../../../config/tape_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { annotate } from '../../grammar/parameter.ts';
import { outputFormat } from '../../parameters.ts';

export default defineCommand({
  summary: 'Show the configuration of a changer.',
  examples: [['changer config sl3', 'One changer:']],
  positionals: { name: annotate(changerName, { completion: 'changer' }) },
  options: { 'output-format': outputFormat },
  output: record<ChangerConfig>([
    { name: 'name' },
    { name: 'path' },
    { name: 'eject-before-unload', type: 'boolean' },
    { name: 'export-slots' },
  ]),
  async run({ name }, { installation }) {
    const { changerConfig } = await import('../../../config/changers.ts');
    return changerConfig(installation, name);
  },
});
