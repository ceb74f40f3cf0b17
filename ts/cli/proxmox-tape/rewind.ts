import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { taskOptions } from '../parameters.ts';

export default defineCommand({
  summary: 'Rewind the tape in the drive.',
  examples: [['rewind --drive mydrive', 'To the beginning of the tape:']],
  positionals: {},
  options: taskOptions,
  output: taskLog,
  async run(access, { installation, report }) {
    const { rewindTask } = await import('../../jobs/drive_tasks.ts');
    return report.task((observer) => rewindTask(installation, access, observer));
  },
});
