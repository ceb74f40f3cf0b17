import type { DatastoreConfig } from '../../../config/datastore_section.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';

export default defineCommand({
  summary: 'List the datastores.',
  examples: [['datastore list', 'All datastores, also those that PBS configured:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: table<DatastoreConfig>([{ name: 'name' }, { name: 'path' }, { name: 'comment' }]),
  async run(_, { installation }) {
    const { listDatastores } = await import('../../../config/datastores.ts');
    return listDatastores(installation);
  },
});
