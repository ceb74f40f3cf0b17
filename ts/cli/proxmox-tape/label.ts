import { mediaLabel, poolName } from '../../config/identifiers.ts';
import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { annotate, optional } from '../grammar/parameter.ts';
import { taskOptions } from '../parameters.ts';

export default defineCommand({
  summary: 'Label the tape in the drive.',
  details: 'The tape must be blank: erase it first to use it again.',
  examples: [
    ['label --label-text TAPE01', 'A tape that any pool may use:'],
    ['label --label-text TAPE01 --pool daily', 'A tape for one pool:'],
  ],
  positionals: {},
  options: {
    ...taskOptions,
    // The manual's example calls it by the older name (D4).
    'label-text': annotate(mediaLabel, { aliases: ['changer-id'] }),
    pool: optional(poolName, { completion: 'pool' }),
  },
  output: taskLog,
  async run({ 'label-text': labelText, ...request }, { installation, report }) {
    const { labelTask } = await import('../../jobs/drive_tasks.ts');
    return report.task((observer) => labelTask(installation, { ...request, labelText }, observer));
  },
});
