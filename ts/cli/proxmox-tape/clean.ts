import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { taskOptions } from '../parameters.ts';

export default defineCommand({
  summary: 'Clean a drive with a cleaning cartridge of its library.',
  details:
    'Bar codes of cleaning cartridges begin with CLN. The tape in the drive is unloaded first; the cleaning cartridge goes ' +
    'back to its slot.',
  examples: [['clean --drive mydrive', 'When the drive asks for it:']],
  positionals: {},
  options: taskOptions,
  output: taskLog,
  async run(access, { installation, report }) {
    const { cleanTask } = await import('../../jobs/drive_tasks.ts');
    return report.task((observer) => cleanTask(installation, access, observer));
  },
});
