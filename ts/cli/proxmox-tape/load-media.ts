import { mediaLabel } from '../../config/identifiers.ts';
import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { annotate } from '../grammar/parameter.ts';
import { taskOptions } from '../parameters.ts';

export default defineCommand({
  summary: 'Load the tape with a certain label.',
  details: 'A virtual drive makes a tape that it does not have yet.',
  examples: [['load-media TAPE01 --drive mydrive', 'By label text or barcode:']],
  positionals: { 'label-text': annotate(mediaLabel, { completion: 'label-text' }) },
  options: taskOptions,
  output: taskLog,
  async run({ 'label-text': labelText, ...request }, { installation, report }) {
    const { loadTask } = await import('../../jobs/drive_tasks.ts');
    return report.task((observer) => loadTask(installation, { ...request, labelText }, observer));
  },
});
