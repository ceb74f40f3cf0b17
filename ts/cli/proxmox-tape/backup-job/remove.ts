import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { digestOption } from '../../parameters.ts';
import { jobPositional } from './properties.ts';

export default defineCommand({
  summary: 'Remove a tape backup job.',
  details: 'What it wrote stays, and so do the logs of its tasks.',
  examples: [['backup-job remove job2', 'Forget a job:']],
  positionals: { id: jobPositional },
  options: { digest: digestOption },
  output: nothing,
  async run({ id, digest }, { installation }) {
    const { removeJob } = await import('../../../jobs/backup/configured_jobs.ts');
    await removeJob(installation, id, digest);
  },
});
