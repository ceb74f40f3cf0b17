import Type from 'typebox';
import { datastoreName, maxNamespaceDepth, namespace, poolName, userId } from '../../config/identifiers.ts';
import { groupFilter, notificationMode, workerThreads } from '../../config/job_section.ts';
import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { annotate } from '../grammar/parameter.ts';
import { exportMediaSet, flag, groupFilters, noWait, taskOptions, waitingFor } from '../parameters.ts';
import { backupPlanLines } from './plan_text.ts';

export default defineCommand({
  summary: 'Back up a datastore to a media pool.',
  details:
    'Snapshots that the current media set of the pool has already are skipped. When a tape is full, the job goes on ' +
    'with the next one the pool may use. A tape that is not at hand is asked for, here and by the notification targets, ' +
    'and waited for. A job that was stopped or failed is completed by running it again.',
  examples: [
    ['backup mystore daily --dry-run', 'What would that do?'],
    ['backup mystore daily', 'All snapshots:'],
    ['backup mystore daily --latest-only --eject-media', 'The newest of each group; then take the tape out:'],
    [
      'backup mystore daily --group-filter type:vm --group-filter exclude:group:vm/100',
      'All virtual machines but one:',
    ],
  ],
  positionals: {
    store: annotate(datastoreName, { completion: 'store' }),
    pool: annotate(poolName, { completion: 'pool' }),
  },
  options: {
    ...taskOptions,
    'dry-run': flag('Only say what would be written to which tapes, how much it is and how long it takes.'),
    'eject-media': flag('Eject media upon job completion.'),
    'export-media-set': exportMediaSet,
    'force-media-set': flag('Start a new media set, whatever the allocation policy says.'),
    'group-filter': groupFilters(groupFilter),
    'latest-only': flag('Backup latest snapshots only.'),
    'no-wait': noWait,
    'max-depth': Type.Optional(maxNamespaceDepth),
    'notification-mode': Type.Optional(notificationMode),
    'notify-user': Type.Optional(userId),
    ns: Type.Optional(namespace),
    'worker-threads': Type.Optional(workerThreads),
    verify: Type.Optional(
      Type.Enum(['crc', 'sha256'], {
        description:
          'How far chunks are checked before they go to tape: their CRC (crc, the default), or also the SHA-256 of ' +
          'their content (sha256), which finds damage that a CRC cannot and costs processor time.',
      }),
    ),
  },
  output: taskLog,
  async run({ store, pool, drive, verify, ...flags }, { installation, report }) {
    const request = {
      store,
      pool,
      drive,
      ejectMedia: flags['eject-media'],
      exportMediaSet: flags['export-media-set'],
      latestOnly: flags['latest-only'],
      forceMediaSet: flags['force-media-set'],
      groupFilter: flags['group-filter'],
      ns: flags.ns,
      maxDepth: flags['max-depth'],
      workerThreads: flags['worker-threads'],
      notifyUser: flags['notify-user'],
      notificationMode: flags['notification-mode'],
      waiting: waitingFor(flags['no-wait'], report),
      verify,
    };
    if (flags['dry-run']) {
      const { planBackup } = await import('../../jobs/plan/backup_plan.ts');
      report.text(await report.work((log) => planBackup(installation, request, log)), backupPlanLines);
      return;
    }
    const { backup } = await import('../../jobs/backup/backup.ts');
    return report.task((observer) => backup(installation, request, observer));
  },
});
