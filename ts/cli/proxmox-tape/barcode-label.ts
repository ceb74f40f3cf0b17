import { poolName } from '../../config/identifiers.ts';
import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { optional } from '../grammar/parameter.ts';
import { taskOptions } from '../parameters.ts';

export default defineCommand({
  summary: 'Label all blank tapes of a library with their bar codes.',
  details: 'Tapes that are known already are left alone, and so are tapes that are not blank.',
  examples: [
    ['barcode-label --drive mydrive', 'Tapes that any pool may use:'],
    ['barcode-label --pool daily', 'Tapes for one pool:'],
  ],
  positionals: {},
  options: { ...taskOptions, pool: optional(poolName, { completion: 'pool' }) },
  output: taskLog,
  async run(request, { installation, report }) {
    const { barcodeLabelTask } = await import('../../jobs/drive_tasks.ts');
    return report.task((observer) => barcodeLabelTask(installation, request, observer));
  },
});
