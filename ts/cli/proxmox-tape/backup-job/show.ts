import type { JobConfig } from '../../../config/job_section.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';
import { jobPositional } from './properties.ts';

export default defineCommand({
  summary: 'Show the configuration of a tape backup job.',
  examples: [['backup-job show job2', 'One job:']],
  positionals: { id: jobPositional },
  options: { 'output-format': outputFormat },
  output: record<JobConfig>([
    { name: 'drive' },
    { name: 'id' },
    { name: 'pool' },
    { name: 'store' },
    { name: 'comment' },
    { name: 'eject-media', type: 'boolean' },
    { name: 'export-media-set', type: 'boolean' },
    { name: 'group-filter' },
    { name: 'latest-only', type: 'boolean' },
    { name: 'max-depth', type: 'integer' },
    { name: 'notification-mode' },
    { name: 'notify-user' },
    { name: 'ns' },
    { name: 'schedule' },
    { name: 'worker-threads', type: 'integer' },
  ]),
  async run({ id }, { installation }) {
    const { jobConfig } = await import('../../../config/jobs.ts');
    return jobConfig(installation, id);
  },
});
