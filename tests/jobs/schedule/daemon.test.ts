/** The service as a process: real minutes, real jobs on virtual tapes, signals and kills. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createJob, listJobs, mediaContent } from '../../../ts/index.ts';
import { runDaemon } from '../../../ts/jobs/schedule/daemon.ts';
import { recordJobCreated } from '../../../ts/jobs/schedule/job_state.ts';
import { reserveDrive } from '../../../ts/library/drives/drive_state.ts';
import { temporaryInstallation } from '../../temporary_installation.ts';
import { Command, run } from '../faults/command.ts';
import { Site } from '../site.ts';

const JOB = {
  id: 'job1',
  store: 'store1',
  pool: 'pool1',
  drive: 'vdrive',
  'notification-mode': 'notification-system',
} as const;

test('by a clock that is moved on: started at the minute, stopped by the signal, ready and stopping are told', async (t) => {
  let now = 1_700_000_017;
  const installation = temporaryInstallation(t, { clock: () => now });
  mkdirSync(installation.paths.configDir, { recursive: true });
  writeFileSync(
    installation.paths.configFile('tape-job.cfg'),
    'backup: job1\n\tdrive drive1\n\tpool p1\n\tschedule *:0/5\n\tstore store1\n',
  );
  await recordJobCreated(installation, 'job1');
  const abort = new AbortController();
  const started: number[] = [];
  const states: string[] = [];
  await runDaemon(installation, {
    signal: abort.signal,
    log: { info() {}, warn: (line) => t.fail(line) },
    onState: (state) => void (state !== states.at(-1) && states.push(state)),
    sleep: async (seconds) => {
      await new Promise((resolve) => setTimeout(resolve, 20)); // what was started ends
      now += seconds;
      if (now > 1_700_000_000 + 1000) abort.abort();
    },
    runJob: async () => {
      started.push(now);
      await recordJobCreated(installation, 'job1');
      return { upid: 'UPID:', status: 'OK', warnings: 0 };
    },
  });
  t.deepEqual(states, ['ready', 'ticked', 'stopping']);
  t.deepEqual(started, [1_700_000_100, 1_700_000_400, 1_700_000_700, 1_700_001_000]);
});

test('refused beside a Proxmox Backup Server, and beside another one', async (t) => {
  const site = await Site.make(t);
  const { root } = site.installation;
  const daemon = new Command(root, ['daemon']);
  await daemon.said(/scheduling the jobs/);
  const second = await run(root, 'daemon');
  t.is(second.code, 255);
  t.regex(second.stderr, /another 'proxmox-tape daemon' runs/);
  daemon.signal('SIGTERM');
  t.is((await daemon.ended).code, 0);
  mkdirSync(join(root, 'usr/sbin'), { recursive: true });
  writeFileSync(join(root, 'usr/sbin/proxmox-backup-manager'), '');
  const beside = await run(root, 'daemon');
  t.is(beside.code, 255);
  t.regex(beside.stderr, /Proxmox Backup Server is installed .*runs the jobs of tape-job.cfg itself/);
});

/** It needs two full minutes. */
const long = process.env.FERRITE_LONG ? test : test.skip;

long(
  'a job runs at the full minute, is killed with the service, and a new service makes the next event good',
  async (t) => {
    t.timeout(240_000);
    const site = await Site.make(t, { installation: { clock: () => Date.now() / 1000 }, tapes: ['T1', 'T2'] });
    const { installation } = site;
    for (const name of ['vm/1', 'vm/2', 'vm/3']) await site.addSnapshot(name, 1, [name.replace('/', '-')]);
    await createJob(installation, { ...JOB, schedule: '*:*' });
    const state = () =>
      JSON.parse(readFileSync(join(installation.paths.jobStateDir, 'tape-backup-job-job1.json'), 'utf8'));

    const first = new Command(installation.root, ['daemon']);
    await first.said(/job 'job1': backup snapshot/);
    first.signal('SIGKILL');
    await first.ended;
    if ('started' in state()) {
      const [job] = await listJobs(installation);
      t.true(['unknown', 'OK'].includes(job?.['last-run-state'] ?? ''), 'the log has no end, or the kill came late');
    }

    const second = new Command(installation.root, ['daemon']);
    await second.said(/job 'job1' ended/);
    t.is((await mediaContent(installation, {})).length, 3);
    t.deepEqual(Object.keys(state().finished.state), ['OK']);
    second.signal('SIGTERM');
    const outcome = await second.ended;
    t.is(outcome.code, 0, outcome.stderr);
    t.regex(outcome.stderr, /stopped/);
  },
);

test('SIGTERM aborts a job that waits for its drive, and the state of the job says how it ended', async (t) => {
  t.timeout(240_000);
  const site = await Site.make(t, { installation: { clock: () => Date.now() / 1000 } });
  const { installation } = site;
  await createJob(installation, { ...JOB, schedule: '*:*' });
  const held = await reserveDrive(installation, { name: 'vdrive', path: site.path('tapes-vdrive') });
  const daemon = new Command(installation.root, ['daemon']);
  await daemon.said(/job 'job1': UPID/);
  const other = await run(installation.root, 'backup-job', 'run', 'job1');
  t.regex(other.stderr, /backup job 'job1' is in use/, 'it counts as running');
  daemon.signal('SIGTERM');
  const outcome = await daemon.ended;
  await held.release();
  t.is(outcome.code, 0, outcome.stderr);
  t.regex(outcome.stderr, /stopping: job1 aborted/);
  t.regex((await listJobs(installation))[0]?.['last-run-state'] ?? '', /^abort/);
});
