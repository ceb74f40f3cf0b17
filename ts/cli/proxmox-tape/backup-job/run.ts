import { defineCommand } from '../../grammar/command.ts';
import { taskLog } from '../../grammar/output.ts';
import { noWait, progress, waitingFor } from '../../parameters.ts';
import { jobPositional } from './properties.ts';

export default defineCommand({
  summary: 'Run a tape backup job now.',
  details:
    'Its schedule counts from this run on. While the job runs already, or its drive is in use, the command fails after ten ' +
    'seconds.',
  examples: [['backup-job run job2', 'Now:']],
  positionals: { id: jobPositional },
  options: { progress, 'no-wait': noWait },
  output: taskLog,
  async run({ id, 'no-wait': fails }, { installation, report }) {
    const { runBackupJob } = await import('../../../jobs/backup/configured_jobs.ts');
    return report.task((observer) => runBackupJob(installation, id, observer, { waiting: waitingFor(fails, report) }));
  },
});
