import { mediaLabel } from '../../config/identifiers.ts';
import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { annotate } from '../grammar/parameter.ts';
import { drive } from '../parameters.ts';

export default defineCommand({
  summary: 'Move a tape to a free import/export slot, to take it out of the library.',
  examples: [['export-media TAPE01 --drive mydrive', 'From its slot, or from the drive:']],
  positionals: { 'label-text': annotate(mediaLabel, { completion: 'label-text' }) },
  options: { drive },
  output: nothing,
  async run({ 'label-text': labelText, drive }, { installation, report }) {
    const { exportMediaCall } = await import('../../library/changers/slot_calls.ts');
    await report.work((log) => exportMediaCall(installation, { labelText, drive }, log));
  },
});
