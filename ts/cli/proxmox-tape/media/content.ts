import Type from 'typebox';
import { mediaLabel, mediaSetUuid, mediaUuid, poolName } from '../../../config/identifiers.ts';
import type { MediaContentEntry } from '../../../jobs/media/listing.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { optional } from '../../grammar/parameter.ts';
import { outputFormat } from '../../parameters.ts';

export default defineCommand({
  summary: 'List which snapshots are on which tapes, from the catalogs.',
  details: 'All given filters must match.',
  examples: [
    ['media content', 'Everything:'],
    ['media content --backup-type vm --backup-id 100', 'One group:'],
  ],
  positionals: {},
  options: {
    pool: optional(poolName, { completion: 'pool' }),
    'label-text': optional(mediaLabel, { completion: 'label-text' }),
    media: optional(mediaUuid, { completion: 'media' }),
    'media-set': optional(mediaSetUuid, { completion: 'media-set' }),
    'backup-type': Type.Optional(Type.Enum(['vm', 'ct', 'host'], { description: 'Backup type.' })),
    'backup-id': Type.Optional(Type.String({ minLength: 1, description: 'Backup ID.' })),
    'output-format': outputFormat,
  },
  output: table<MediaContentEntry>(
    [
      { name: 'label-text' },
      { name: 'pool' },
      { name: 'media-set-name' },
      { name: 'seq-nr', type: 'integer' },
      { name: 'store' },
      { name: 'snapshot' },
      { name: 'media-set-uuid' },
    ],
    { sortBy: ['media-set-uuid', 'seq-nr', 'store', 'snapshot', 'backup-time'] },
  ),
  async run({ pool, media, ...request }, { installation }) {
    const { mediaContent } = await import('../../../jobs/media/listing.ts');
    const filter = {
      pool,
      media,
      labelText: request['label-text'],
      mediaSet: request['media-set'],
      backupType: request['backup-type'],
      backupId: request['backup-id'],
    };
    return mediaContent(installation, filter);
  },
});
