/** One job in a process of its own, at a time that its killer decides: `node job_worker.js ROOT NOW JOB`. */
import { openInstallation, runBackupJob } from '../../ts/index.ts';

const [root = '', now = '', job = ''] = process.argv.slice(2);
const installation = openInstallation({
  root,
  variables: {},
  clock: () => Number(now),
  isSuperUser: false,
  zone: 'UTC',
});
await runBackupJob(installation, job, {
  signal: new AbortController().signal,
  started: () => process.stdout.write('started\n'),
  line: () => {},
  progress: () => {},
});
