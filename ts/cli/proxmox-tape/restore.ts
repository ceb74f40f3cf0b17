import Type from 'typebox';
import { authId, mediaSetUuid, userId } from '../../config/identifiers.ts';
import { notificationMode } from '../../config/job_section.ts';
import { parseNamespaceMappings, parseStoreMapping } from '../../config/store_mapping.ts';
import { textAccepted } from '../../config/value_text.ts';
import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { annotate, optional } from '../grammar/parameter.ts';
import { flag, noWait, taskOptions, waitingFor } from '../parameters.ts';
import { restorePlanLines } from './plan_text.ts';

const mapping = textAccepted(parseStoreMapping, {
  typeText: '[(<source>=)?<target>, ...]',
  description:
    "Target datastore, or a list of mappings: 'a=b,e' restores what came from datastore 'a' to 'b' and all else to 'e'. " +
    'Without a target for all else only what is mapped is restored.',
});

const namespaceMapping = textAccepted((text) => parseNamespaceMappings([text]), {});

const snapshotSelector = Type.String({
  pattern: '^[A-Za-z0-9_][A-Za-z0-9._-]*:(?:ns/[^/]+/)*(?:vm|ct|host)/[^/]+/[^/]+$',
  patternHint: '<datastore>:[ns/<ns>/...]<type>/<id>/<time>',
});

async function listed(path: string, mediaSet: string): Promise<string[]> {
  const { snapshotsOfList } = await import('../../jobs/restore/list.ts');
  return snapshotsOfList(path, mediaSet);
}

export default defineCommand({
  summary: 'Restore a media set to datastores.',
  details:
    'All tapes of the set are read in order, or with snapshots, a list or namespaces only what is needed. What a target has ' +
    'already is not written again; a restore that was stopped or failed is completed by running it again.',
  examples: [
    ['restore 9da37a55-aac7-4deb-91c6-482b3b675f30 mystore', 'A set to one datastore:'],
    ['restore 9da37a55-aac7-4deb-91c6-482b3b675f30 tank=new,other', 'Datastore tank to new, all else to other:'],
    [
      'restore 9da37a55-aac7-4deb-91c6-482b3b675f30 mystore tank:vm/100/2024-06-05T09:38:20Z',
      'One snapshot; only what is missing for it is read:',
    ],
    [
      'restore 9da37a55-aac7-4deb-91c6-482b3b675f30 mystore --list restore-9da37a55.json',
      'What somebody chose in the offline page:',
    ],
    [
      'restore 9da37a55-aac7-4deb-91c6-482b3b675f30 mystore --namespaces store=tank,target=old',
      'All below namespace old:',
    ],
  ],
  positionals: {
    'media-set': annotate(mediaSetUuid, { completion: 'media-set' }),
    store: annotate(mapping, { completion: 'store' }),
    snapshots: Type.Optional(
      Type.Array(snapshotSelector, {
        description:
          "Only these snapshots, as 'media content' shows them with their datastore in front: " +
          "'mystore:vm/100/2024-06-05T09:38:20Z'.",
      }),
    ),
  },
  options: {
    ...taskOptions,
    'dry-run': flag('Only say which tapes are needed in which order, how much is read and how long it takes.'),
    list: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'File with snapshots to restore, as the page of `catalog page` saves it; more may be named beside it.',
      }),
    ),
    namespaces: Type.Optional(
      Type.Array(namespaceMapping, {
        description:
          'Where namespaces go, may be given several times: store=<source>[,source=<ns>][,target=<ns>][,max-depth=<n>]. ' +
          'Snapshots that no mapping takes are not restored.',
      }),
    ),
    'no-wait': noWait,
    'notification-mode': Type.Optional(notificationMode),
    'notify-user': Type.Optional(userId),
    owner: optional(authId, { description: 'Owner of the restored groups; root@pam if not given.' }),
  },
  output: taskLog,
  async run(
    { 'media-set': mediaSet, store, drive, owner, snapshots: named, list, namespaces, ...flags },
    { installation, report },
  ) {
    const snapshots = list === undefined ? named : [...(named ?? []), ...(await listed(list, mediaSet))];
    const request = {
      mediaSet,
      store,
      drive,
      owner,
      snapshots,
      namespaces,
      notifyUser: flags['notify-user'],
      notificationMode: flags['notification-mode'],
      waiting: waitingFor(flags['no-wait'], report),
    };
    if (flags['dry-run']) {
      const { planRestore } = await import('../../jobs/plan/restore_plan.ts');
      report.text(await report.work((log) => planRestore(installation, request, log)), restorePlanLines);
      return;
    }
    const { restore } = await import('../../jobs/restore/restore.ts');
    return report.task((observer) => restore(installation, request, observer));
  },
});
