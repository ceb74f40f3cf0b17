import { maxNamespaceDepth } from '../../../config/identifiers.ts';
import type { SnapshotListEntry } from '../../../jobs/datastore/snapshots.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { optional } from '../../grammar/parameter.ts';
import { outputFormat } from '../../parameters.ts';
import { bytes } from '../../report/renderers.ts';
import { ns, store } from './parameters.ts';

export default defineCommand({
  summary: 'List the snapshots of a datastore.',
  details: 'In the order in which a backup writes them to tape.',
  examples: [['snapshot list mystore', 'All snapshots, in all namespaces:']],
  positionals: { store },
  options: { ns, 'max-depth': optional(maxNamespaceDepth), 'output-format': outputFormat },
  output: table<SnapshotListEntry>(
    [
      { name: 'path', header: 'snapshot' },
      { name: 'size', type: 'integer', render: bytes },
      { name: 'owner' },
      { name: 'finished', type: 'boolean' },
      { name: 'protected', type: 'boolean' },
      { name: 'files', render: (files) => (Array.isArray(files) ? files.join('\n') : '') },
    ],
    { sortBy: [] },
  ),
  async run({ 'max-depth': maxDepth, ...request }, { installation }) {
    const { listSnapshots } = await import('../../../jobs/datastore/snapshots.ts');
    return listSnapshots(installation, { ...request, maxDepth });
  },
});
