import { poolName } from '../../../config/identifiers.ts';
import type { MediaSetEntry } from '../../../media/listing.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { optional } from '../../grammar/parameter.ts';
import { outputFormat } from '../../parameters.ts';
import { epoch } from '../../report/renderers.ts';

export default defineCommand({
  summary: 'List the media sets.',
  details: 'missing counts the tapes that a set must have and that the inventory does not know.',
  examples: [['media-set list --pool daily', 'Those of one pool:']],
  positionals: {},
  options: { pool: optional(poolName, { completion: 'pool' }), 'output-format': outputFormat },
  output: table<MediaSetEntry>(
    [
      { name: 'media-set-name' },
      { name: 'media-set-uuid' },
      { name: 'media-set-ctime', render: epoch },
      { name: 'pool' },
      { name: 'tapes', type: 'integer' },
      { name: 'missing', type: 'integer' },
    ],
    { sortBy: [] },
  ),
  async run({ pool }, { installation }) {
    const { listMediaSets } = await import('../../../jobs/media/changes.ts');
    return listMediaSets(installation, { pool });
  },
});
