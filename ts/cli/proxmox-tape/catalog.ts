import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { flag, taskOptions } from '../parameters.ts';

export default defineCommand({
  summary: 'Restore the catalog of the tape in the drive, and record the tape in the inventory.',
  details:
    'Every tape carries copies of the catalogs of its media set; they are used where there is one. Else, or if asked to, ' +
    'the whole tape is read.',
  examples: [
    ['catalog', 'From the copies on the tape:'],
    ['catalog --scan --force', 'By reading the tape, replacing the catalog that is there:'],
    ['catalog --scan --files', 'With the files of snapshots that no datastore has any more:'],
  ],
  positionals: {},
  options: {
    ...taskOptions,
    files: flag('List the files of its snapshots as well; they may need chunks of other tapes of the set.'),
    force: flag('Replace the catalog that is there.'),
    scan: flag('Read the whole tape instead of using saved copies.'),
    verbose: flag('Log every chunk.'),
  },
  output: taskLog,
  async run(request, { installation, report }) {
    const { restoreCatalog } = await import('../../jobs/catalog/restore.ts');
    return report.task((observer) => restoreCatalog(installation, request, observer));
  },
});
