import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';

export default defineCommand({
  summary: 'Run the backup jobs at their times, until it is stopped.',
  details:
    'For a service manager (a unit for systemd comes with the package, and is told what the service does). At every full minute the jobs of tape-job.cfg ' +
    'that are due are started; runs that were missed meanwhile are made up once; jobs on one drive wait for each other. ' +
    'The configuration is read anew each time. SIGTERM aborts what runs, which commits what it has, and ends the ' +
    'service. Where Proxmox Backup Server is installed on the same root, its own service does this and this one refuses.',
  examples: [
    ['daemon', 'In the foreground; its log goes to standard error:'],
    ['daemon 2>>/var/log/ferrite.log &', 'Without a service manager:'],
  ],
  positionals: {},
  options: {},
  output: nothing,
  async run(_, { installation, report }) {
    const { runDaemon } = await import('../../jobs/schedule/daemon.ts');
    const { scheduledJobs } = await import('../../jobs/schedule/scheduled_job.ts');
    const { systemdNotices } = await import('../../jobs/schedule/service_manager.ts');
    await report.work(async (log) => {
      const runJob = scheduledJobs(installation, log);
      const onState = systemdNotices(installation, log);
      await runDaemon(installation, { runJob, log, onState, signal: log.signal });
    });
  },
});
