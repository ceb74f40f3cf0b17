import { type DatastoreConfig, datastoreSection } from '../../../config/datastore_section.ts';
import { datastoreName } from '../../../config/identifiers.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { annotate } from '../../grammar/parameter.ts';
import { outputFormat } from '../../parameters.ts';

const properties = Object.keys(datastoreSection.schema.properties) as (keyof DatastoreConfig & string)[];

export default defineCommand({
  summary: 'Show the configuration of a datastore.',
  examples: [['datastore config mystore', 'One datastore:']],
  positionals: { name: annotate(datastoreName, { completion: 'store' }) },
  options: { 'output-format': outputFormat },
  output: record<DatastoreConfig>(properties.map((name) => ({ name }))),
  async run({ name }, { installation }) {
    const { datastoreConfig } = await import('../../../config/datastores.ts');
    return datastoreConfig(installation, name);
  },
});
