import type { LibraryTape } from '../../library/tapes/inventory.ts';
import { defineCommand } from '../grammar/command.ts';
import { table } from '../grammar/output.ts';
import { flag, taskOptions } from '../parameters.ts';

export default defineCommand({
  summary: 'List the tapes in a library, and record where they are.',
  details: 'Tapes that are not known yet can be loaded to read their labels.',
  examples: [
    ['inventory', 'What the changer sees:'],
    ['inventory --read-labels', 'Also find out what the unknown tapes are:'],
    ['inventory --read-all-labels --catalog', 'Make everything known again on a new machine:'],
  ],
  positionals: {},
  options: {
    ...taskOptions,
    'read-labels': flag('Load unknown tapes and read their labels.'),
    'read-all-labels': flag('Load all tapes and read their labels, also known ones.'),
    catalog: flag('Also load tapes whose catalog is missing, and restore catalogs from the copies on them.'),
  },
  output: table<LibraryTape>([{ name: 'label-text' }, { name: 'uuid' }]),
  async run({ drive, catalog, 'read-labels': some, 'read-all-labels': all = false }, { installation, report }) {
    const { inventoryTask } = await import('../../jobs/drive_tasks.ts');
    const { listTapes } = await import('../../library/tapes/inventory.ts');
    if (some || all || catalog) {
      await report.task((observer) => inventoryTask(installation, { drive, all, catalog }, observer));
    }
    return report.work((log) => listTapes(installation, { drive }, log));
  },
});
