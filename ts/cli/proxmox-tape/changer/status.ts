import Type from 'typebox';
import { changerName } from '../../../config/identifiers.ts';
import type { ElementEntry } from '../../../library/changers/elements.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { defaulted, optional } from '../../grammar/parameter.ts';
import { outputFormat } from '../../parameters.ts';
import { elementLabel } from '../../report/renderers.ts';

export default defineCommand({
  summary: 'Show what stands where in a library.',
  details:
    'The locations of tapes in the inventory follow what is shown. The JSON formats also tell what drives are used for.',
  examples: [
    ['changer status', 'The library of the default drive, as it was last reported:'],
    ['changer status sl3 --cache no', 'Ask the library:'],
  ],
  positionals: { name: optional(changerName, { completion: 'changer' }) },
  options: {
    cache: defaulted(Type.Boolean(), true, { description: 'Use cached value.' }),
    'output-format': outputFormat,
  },
  output: table<ElementEntry>(
    [
      { name: 'entry-kind' },
      { name: 'entry-id', type: 'integer' },
      // The manual's table calls it by the older name (D4).
      { name: 'label-text', header: 'changer-id', render: elementLabel },
      { name: 'loaded-slot', type: 'integer' },
    ],
    { sortBy: ['entry-kind', 'entry-id'] },
  ),
  async run(request, { installation, report }) {
    const { changerStatus } = await import('../../../library/changers/changer_status.ts');
    return changerStatus(installation, request, (message) => report.warn(message));
  },
});
