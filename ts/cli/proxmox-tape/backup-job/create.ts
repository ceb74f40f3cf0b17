import { jobId } from '../../../config/identifiers.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { jobOptions, jobParts } from './properties.ts';

export default defineCommand({
  summary: 'Create a tape backup job.',
  details:
    'Without a schedule the job runs only when it is started by hand. With one it runs at the next event from now on.',
  examples: [
    ['backup-job create job2 --store vmstore1 --pool yourpool --drive yourdrive --schedule daily', 'Every midnight:'],
    [
      'backup-job create vms --store vmstore1 --pool weekly --drive yourdrive --group-filter type:vm --latest-only',
      'The newest snapshot of each virtual machine, started by hand:',
    ],
  ],
  positionals: { id: jobId },
  options: { ...jobParts, ...jobOptions },
  output: nothing,
  async run(job, { installation }) {
    const { createJob } = await import('../../../jobs/backup/configured_jobs.ts');
    await createJob(installation, job);
  },
});
