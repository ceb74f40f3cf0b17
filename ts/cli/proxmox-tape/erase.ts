import Type from 'typebox';
import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { defaulted } from '../grammar/parameter.ts';
import { taskOptions } from '../parameters.ts';

export default defineCommand({
  summary: 'Erase the tape in the drive.',
  details:
    'The tape is forgotten by the inventory, and its catalog is removed. Nobody is asked: make sure that it is the ' +
    'right tape.',
  examples: [['erase --drive mydrive', 'Make a tape blank, to label it again:']],
  positionals: {},
  options: {
    ...taskOptions,
    fast: defaulted(Type.Boolean(), true, {
      description: 'Make the data inaccessible only, instead of overwriting the whole tape, which takes hours.',
    }),
  },
  output: taskLog,
  async run(request, { installation, report }) {
    const { eraseTask } = await import('../../jobs/drive_tasks.ts');
    return report.task((observer) => eraseTask(installation, request, observer));
  },
});
