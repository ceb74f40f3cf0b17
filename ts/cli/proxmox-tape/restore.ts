import Type from 'typebox';
import { authId, mediaSetUuid, userId } from '../../config/identifiers.ts';
import { parseStoreMapping } from '../../config/store_mapping.ts';
import { textAccepted } from '../../config/value_text.ts';
import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { annotate, optional } from '../grammar/parameter.ts';
import { noWait, taskOptions, waitingFor } from '../parameters.ts';

const mapping = textAccepted(parseStoreMapping, {
  typeText: '[(<source>=)?<target>, ...]',
  description:
    "Target datastore, or a list of mappings: 'a=b,e' restores what came from datastore 'a' to 'b' and all else to 'e'. " +
    'Without a target for all else only what is mapped is restored.',
});

export default defineCommand({
  summary: 'Restore a media set to datastores.',
  details:
    'All tapes of the set are read in order. What a target has already is not written again; a restore that was stopped ' +
    'or failed is completed by running it again.',
  examples: [
    ['restore 9da37a55-aac7-4deb-91c6-482b3b675f30 mystore', 'A set to one datastore:'],
    ['restore 9da37a55-aac7-4deb-91c6-482b3b675f30 tank=new,other', 'Datastore tank to new, all else to other:'],
  ],
  positionals: {
    'media-set': annotate(mediaSetUuid, { completion: 'media-set' }),
    store: annotate(mapping, { completion: 'store' }),
  },
  options: {
    ...taskOptions,
    'no-wait': noWait,
    'notify-user': Type.Optional(userId),
    owner: optional(authId, { description: 'Owner of the restored groups; root@pam if not given.' }),
  },
  output: taskLog,
  async run(
    { 'media-set': mediaSet, 'no-wait': fails, 'notify-user': notifyUser, ...request },
    { installation, report },
  ) {
    const { restore } = await import('../../jobs/restore.ts');
    return report.task((observer) =>
      restore(installation, { ...request, mediaSet, notifyUser, waiting: waitingFor(fails, report) }, observer),
    );
  },
});
