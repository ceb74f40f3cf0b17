import { deletableJobProperties } from '../../../config/jobs.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { deletions, digestOption } from '../../parameters.ts';
import { jobOptions, jobPositional, optionalJobParts } from './properties.ts';

export default defineCommand({
  summary: 'Change a tape backup job.',
  details:
    'Deletions come first: a property that is deleted and given ends up set. With another schedule the job runs at the ' +
    'next event from now on, whatever it would have missed.',
  examples: [
    ['backup-job update job2 --latest-only', 'Only the newest snapshot of each group:'],
    ['backup-job update job2 --delete schedule', 'From now on only by hand:'],
  ],
  positionals: { id: jobPositional },
  options: { ...optionalJobParts, ...jobOptions, delete: deletions(deletableJobProperties), digest: digestOption },
  output: nothing,
  async run({ id, delete: deleted, digest, ...changes }, { installation }) {
    const { updateJob } = await import('../../../jobs/backup/configured_jobs.ts');
    await updateJob(installation, id, changes, { delete: deleted, digest });
  },
});
