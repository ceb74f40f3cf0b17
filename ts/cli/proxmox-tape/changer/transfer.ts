import { changerName, slotNumber } from '../../../config/identifiers.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate, optional } from '../../grammar/parameter.ts';

export default defineCommand({
  summary: 'Move a tape from one slot of a library to another.',
  examples: [['changer transfer sl3 --from 2 --to 15', 'Into an import/export slot, to take it out:']],
  positionals: { name: optional(changerName, { completion: 'changer' }) },
  options: {
    from: annotate(slotNumber, { description: 'Source slot number' }),
    to: annotate(slotNumber, { description: 'Destination slot number' }),
  },
  output: nothing,
  async run(request, { installation, report }) {
    const { transferMedia } = await import('../../../library/changers/changer_status.ts');
    await transferMedia(installation, request, (line) => report.info(line));
  },
});
