import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { drive } from '../parameters.ts';

export default defineCommand({
  summary: 'Move to the end of data (for debugging).',
  examples: [['eod --drive mydrive', 'Behind the last file of the tape:']],
  positionals: {},
  options: { drive },
  output: nothing,
  async run(access, { installation, report }) {
    const { moveToEndOfData } = await import('../../library/tapes/end_of_data.ts');
    report.info(`end of data: ${await moveToEndOfData(installation, access)} files before it`);
  },
});
