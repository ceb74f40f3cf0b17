import type { BackupPlan } from '../../../jobs/plan/backup_plan.ts';
import { defineCommand } from '../../grammar/command.ts';
import { text } from '../../grammar/output.ts';
import { outputFormat, progress } from '../../parameters.ts';
import { backupPlanLines } from '../plan_text.ts';
import { jobPositional } from './properties.ts';

export default defineCommand({
  summary: 'Say what a tape backup job would do if it ran now.',
  details:
    'Which snapshots would be written, how many bytes that is after deduplication, which tapes are used in which order, how ' +
    'many blank ones are missing, and how long it takes. The plan is made by the code that does the job; it uses no drive ' +
    'and changes nothing.',
  examples: [['backup-job plan job2', 'Before the weekend:']],
  positionals: { id: jobPositional },
  options: { 'output-format': outputFormat, progress },
  output: text<BackupPlan>(backupPlanLines),
  async run({ id }, { installation, report }) {
    const { planBackupJob } = await import('../../../jobs/plan/backup_plan.ts');
    return report.work((log) => planBackupJob(installation, id, log));
  },
});
