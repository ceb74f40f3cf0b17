import { datastoreSection } from '../../../config/datastore_section.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate } from '../../grammar/parameter.ts';

const { name, path, comment } = datastoreSection.schema.properties;

export default defineCommand({
  summary: 'Create a datastore, or adopt an existing one.',
  details:
    'A directory that does not exist or is empty becomes a datastore. One that is a datastore already, also of PBS, is ' +
    'used as it is and not altered.',
  examples: [['datastore create mystore /srv/backup', 'A datastore in a directory:']],
  positionals: { name, path: annotate(path, { description: 'Directory of the datastore.', completion: 'path' }) },
  options: { comment },
  output: nothing,
  async run(store, { installation }) {
    const { createDatastore } = await import('../../../jobs/datastore/datastores.ts');
    await createDatastore(installation, store);
  },
});
