import type { JobListEntry } from '../../../jobs/backup/configured_jobs.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';
import { epoch } from '../../report/renderers.ts';

export default defineCommand({
  summary: 'List the tape backup jobs.',
  details:
    'next-run is the next event of the schedule, next-media-label the tape that the job would write to now. In the JSON ' +
    'formats last-run-state, last-run-upid and last-run-endtime tell how the last run ended.',
  examples: [['backup-job list', 'All jobs:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: table<JobListEntry>([
    { name: 'id' },
    { name: 'store' },
    { name: 'pool' },
    { name: 'drive' },
    { name: 'schedule' },
    { name: 'next-run', render: epoch },
    { name: 'next-media-label' },
    { name: 'comment' },
  ]),
  async run(_, { installation, report }) {
    const { listJobs } = await import('../../../jobs/backup/configured_jobs.ts');
    return listJobs(installation, (message) => report.warn(message));
  },
});
