import { datastoreName } from '../../../config/identifiers.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate } from '../../grammar/parameter.ts';

export default defineCommand({
  summary: 'Remove a datastore from the configuration.',
  details: 'Its data stays: creating a datastore of the same path again takes it back.',
  examples: [['datastore remove mystore', 'Forget a datastore:']],
  positionals: { name: annotate(datastoreName, { completion: 'store' }) },
  options: {},
  output: nothing,
  async run({ name }, { installation }) {
    const { removeDatastore } = await import('../../../config/datastores.ts');
    await removeDatastore(installation, name);
  },
});
