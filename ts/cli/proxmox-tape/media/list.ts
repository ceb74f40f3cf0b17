import Type from 'typebox';
import { changerName, poolName } from '../../../config/identifiers.ts';
import type { MediaListEntry } from '../../../media/listing.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { defaulted, optional } from '../../grammar/parameter.ts';
import { outputFormat } from '../../parameters.ts';
import { catalog, mediaStatus } from '../../report/renderers.ts';

export default defineCommand({
  summary: 'List the known tapes.',
  examples: [
    ['media list', 'All tapes, after asking the libraries where they are:'],
    ['media list --pool daily --update-status no', 'Those of one pool, as they were last seen:'],
  ],
  positionals: {},
  options: {
    pool: optional(poolName, { completion: 'pool' }),
    'update-status': defaulted(Type.Boolean(), true, { description: 'Ask the libraries which tapes are online.' }),
    'update-status-changer': optional(changerName, {
      description: 'Ask only this changer.',
      completion: 'changer',
    }),
    'output-format': outputFormat,
  },
  output: table<MediaListEntry>(
    [
      { name: 'label-text' },
      { name: 'pool' },
      { name: 'media-set-name' },
      { name: 'seq-nr', type: 'integer' },
      { name: 'status', render: mediaStatus },
      { name: 'location' },
      { name: 'catalog', render: catalog },
      { name: 'uuid' },
      { name: 'media-set-uuid' },
    ],
    { sortBy: ['pool', 'media-set-uuid', 'seq-nr', 'label-text'] },
  ),
  async run(request, { installation, report }) {
    const { listMedia } = await import('../../../jobs/media/listing.ts');
    const { pool, 'update-status': updateStatus, 'update-status-changer': updateStatusChanger } = request;
    return listMedia(installation, { pool, updateStatus, updateStatusChanger }, (message) => report.warn(message));
  },
});
