import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { taskOptions } from '../parameters.ts';

export default defineCommand({
  summary: 'Eject the tape: back to its slot with a changer, else out of the drive.',
  examples: [['eject --drive mydrive', 'Take the tape out:']],
  positionals: {},
  options: taskOptions,
  output: taskLog,
  async run(access, { installation, report }) {
    const { ejectTask } = await import('../../jobs/drive_tasks.ts');
    return report.task((observer) => ejectTask(installation, access, observer));
  },
});
