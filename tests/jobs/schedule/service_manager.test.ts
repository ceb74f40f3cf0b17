/** What systemd hears of the daemon, on a real socket; and its unit file. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createJob } from '../../../ts/index.ts';
import { runDaemon } from '../../../ts/jobs/schedule/daemon.ts';
import { recordJobCreated } from '../../../ts/jobs/schedule/job_state.ts';
import { systemdNotices } from '../../../ts/jobs/schedule/service_manager.ts';
import { temporaryInstallation } from '../../temporary_installation.ts';
import { Command } from '../faults/command.ts';
import { Site } from '../site.ts';
import { NotifySocket } from './notify_socket.ts';

const UNIT = join(import.meta.dirname, '../../../../packaging/ferrite-tape.service');

test('the daemon is ready when it has said so, and stops when SIGTERM comes', async (t) => {
  const site = await Site.make(t);
  const { installation } = site;
  await createJob(installation, {
    id: 'job1',
    store: 'store1',
    pool: 'pool1',
    drive: 'vdrive',
    schedule: '2099-1-1 12:30',
    'notification-mode': 'notification-system',
  });
  const systemd = await NotifySocket.open(t);
  const daemon = new Command(installation.root, ['daemon'], { NOTIFY_SOCKET: systemd.path });
  t.is(await systemd.received(/READY=1/), 'READY=1\nSTATUS=next is job1, 2099-01-01 12:30\n');
  daemon.signal('SIGTERM');
  t.is(await systemd.received(/STOPPING=1/), 'STOPPING=1\nSTATUS=stopping\n');
  const { code, stderr } = await daemon.ended;
  t.is(code, 0, stderr);
  t.is(systemd.messages.length, 2);
});

test('each minute is a sign of life, and tells what runs', async (t) => {
  const systemd = await NotifySocket.open(t);
  let now = 1_700_000_017;
  const variables = { NOTIFY_SOCKET: systemd.path };
  const installation = temporaryInstallation(t, { clock: () => now, variables });
  mkdirSync(installation.paths.configDir, { recursive: true });
  const configure = (schedule: string) =>
    writeFileSync(
      installation.paths.configFile('tape-job.cfg'),
      `backup: job1\n\tdrive drive1\n\tpool p1\n\tschedule ${schedule}\n\tstore store1\n`,
    );
  configure('*:0/2');
  await recordJobCreated(installation, 'job1');
  const abort = new AbortController();
  const log = { info() {}, warn() {} };
  const jobs: { end(): void; ended: Promise<unknown> }[] = [];
  const minutes = [
    () => {},
    () => jobs[0]?.end(),
    () => configure('of course not'),
    () => configure('*:0/2'),
    () => abort.abort(),
  ];
  await runDaemon(installation, {
    signal: abort.signal,
    log,
    onState: systemdNotices(installation, log),
    sleep: async (seconds) => {
      now += seconds;
      minutes.shift()?.();
      if (minutes.length === 3) await jobs[0]?.ended;
      await new Promise((resolve) => setTimeout(resolve, 1)); // the scheduler hears of it
    },
    runJob: (_, signal) => {
      let end = (): void => {};
      const told = new Promise<void>((resolve) => {
        end = resolve;
      });
      signal.addEventListener('abort', end);
      const ended = Promise.all([recordJobCreated(installation, 'job1'), told]);
      jobs.push({ end, ended });
      return ended.then(() => ({ upid: 'UPID:', status: 'OK', warnings: 0 }));
    },
  });
  await systemd.received(/STOPPING/);
  t.is(systemd.messages.length, 6);
  const [ready, running, waiting, broken, again, stopping] = systemd.messages;
  t.is(ready, 'READY=1\nSTATUS=next is job1, 2023-11-14 22:14\n');
  t.is(running, 'WATCHDOG=1\nSTATUS=running job1\n');
  t.is(waiting, 'WATCHDOG=1\nSTATUS=next is job1, 2023-11-14 22:16\n');
  t.regex(broken ?? '', /^WATCHDOG=1\nSTATUS=no job is started: .*tape-job\.cfg.*\n$/);
  t.is(again, 'WATCHDOG=1\nSTATUS=running job1\n');
  t.is(stopping, 'STOPPING=1\nSTATUS=aborting job1\n');
});

test('a manager that does not listen is warned of once, and the jobs run', async (t) => {
  const installation = temporaryInstallation(t, { variables: { NOTIFY_SOCKET: '/nowhere/notify' } });
  const warnings: string[] = [];
  const tell = systemdNotices(installation, { info() {}, warn: (line) => void warnings.push(line) });
  await tell('ready', []);
  await tell('ticked', []);
  t.is(warnings.length, 1);
  t.regex(warnings[0] ?? '', /cannot tell the service manager at \/nowhere\/notify: No such file/);
});

test('systemd finds nothing wrong with the unit', (t) => {
  const { error, status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', UNIT], { encoding: 'utf8' });
  if (error) {
    process.stderr.write(`SKIP systemd: ${error.message}\n`);
    t.pass();
    return;
  }
  t.is(status, 0, stderr);
  t.notRegex(stderr, /ferrite-tape/);
});
