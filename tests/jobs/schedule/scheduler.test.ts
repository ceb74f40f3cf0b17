/** Months of scheduling on a clock that only the test moves; jobs are functions that the test ends. */
import { mkdirSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { acquireNativeLock } from '../../../ts/config/file_lock.ts';
import type { Installation } from '../../../ts/config/installation.ts';
import { lockJob, readJobState, recordJobCreated, runAsJob } from '../../../ts/jobs/schedule/job_state.ts';
import { upcomingRuns, upcomingTimes } from '../../../ts/jobs/schedule/next_runs.ts';
import { Scheduler } from '../../../ts/jobs/schedule/scheduler.ts';
import { runTask } from '../../../ts/jobs/tasks/task.ts';
import type { TaskOutcome } from '../../../ts/log.ts';
import { RecordingObserver } from '../../recording_observer.ts';
import { temporaryInstallation } from '../../temporary_installation.ts';

type T = Parameters<typeof temporaryInstallation>[0];

const at = (text: string): number => Date.parse(`${text}Z`) / 1000;

class Months {
  now = at('2021-01-06T00:00:30');
  readonly installation: Installation;
  readonly log: string[] = [];
  /** `job at time`, in the order they were started. */
  readonly starts: string[] = [];
  /** How long each job takes, in seconds. */
  readonly duration = new Map<string, number>();
  readonly #ends: { time: number; end: () => void }[] = [];
  scheduler: Scheduler;

  constructor(t: T, zone = 'UTC') {
    this.installation = temporaryInstallation(t, {
      clock: () => this.now,
      zone,
      acquireLock: acquireNativeLock,
      onNotice: (message) => this.log.push(message),
    });
    this.scheduler = this.newScheduler();
  }

  newScheduler(): Scheduler {
    const say = (line: string): void => void this.log.push(line);
    return new Scheduler(this.installation, ({ id }, signal) => this.#job(id, signal), { info: say, warn: say });
  }

  configure(jobs: Record<string, string | undefined>): void {
    const sections = Object.entries(jobs).map(
      ([id, schedule]) =>
        `backup: ${id}\n\tdrive drive-${id}\n\tpool p1\n\tstore store1\n${schedule ? `\tschedule ${schedule}\n` : ''}`,
    );
    this.write(sections.join('\n'));
  }

  write(content: string): void {
    mkdirSync(this.installation.paths.configDir, { recursive: true });
    writeFileSync(this.installation.paths.configFile('tape-job.cfg'), content);
  }

  #job(id: string, signal: AbortSignal): Promise<TaskOutcome<void>> {
    const { installation } = this;
    const site = { taskLogDirectory: installation.paths.taskLogDir, clock: () => this.now };
    const observer = { ...new RecordingObserver(), started() {}, line() {}, progress() {}, signal };
    return runAsJob(installation, id, (started) =>
      runTask(site, { type: 'tape-backup-job', id }, observer, async (_log, upid) => {
        await started(upid);
        this.starts.push(`${id} ${new Date(this.now * 1000).toISOString().slice(0, 16)}`);
        const time = this.now + (this.duration.get(id) ?? 0);
        if (time > this.now) await this.#until(time, signal);
      }),
    );
  }

  #until(time: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ends.push({ time, end: resolve });
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  }

  /** Ticks at every `step`-th minute until then. */
  async runUntil(text: string, stepMinutes = 1): Promise<void> {
    const end = at(text);
    for (;;) {
      const next = (Math.floor(this.now / 60) + stepMinutes) * 60;
      if (next > end) break;
      this.now = next;
      const due = this.#ends.filter(({ time }) => time <= this.now);
      for (const over of due) this.#ends.splice(this.#ends.indexOf(over), 1)[0]?.end();
      const before = this.starts.length;
      const running = this.scheduler.running.length;
      if (due.length > 0) while (this.scheduler.running.length > running - due.length) await pause();
      const started = await this.scheduler.tick();
      while (this.starts.length < before + started.length) await pause();
      // What takes no time has ended before the next minute.
      const long = started.filter((id) => this.duration.get(id));
      while (this.scheduler.running.length > this.#ends.length && long.length < started.length) await pause();
    }
    this.now = end;
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

test('three months of a daily, a weekly and a monthly job', async (t) => {
  const months = new Months(t);
  months.configure({ daily: 'daily', weekly: 'sat 18:00', monthly: 'monthly', manual: undefined });
  for (const id of ['daily', 'weekly', 'monthly', 'manual']) await recordJobCreated(months.installation, id);
  await months.runUntil('2021-04-06T12:00:00', 60);
  const of = (id: string): string[] => months.starts.filter((start) => start.startsWith(`${id} `));
  t.is(of('daily').length, 90);
  t.is(of('daily')[0], 'daily 2021-01-07T00:00');
  t.deepEqual(of('monthly'), ['monthly 2021-02-01T00:00', 'monthly 2021-03-01T00:00', 'monthly 2021-04-01T00:00']);
  t.is(of('weekly').length, 13);
  t.true(of('weekly').every((start) => start.endsWith('T18:00')));
  t.is(of('manual').length, 0);
});

test('a job that was just created waits for its first event (S-195)', async (t) => {
  const months = new Months(t);
  months.now = at('2021-01-06T10:59:50');
  months.configure({ job: 'hourly' });
  await recordJobCreated(months.installation, 'job');
  await months.runUntil('2021-01-06T11:30:00');
  t.deepEqual(months.starts, ['job 2021-01-06T11:00']);
});

test('what was missed while nothing ran is made up once (S-189, S-190)', async (t) => {
  const months = new Months(t);
  months.configure({ job: 'daily' });
  await recordJobCreated(months.installation, 'job');
  await months.runUntil('2021-01-07T12:00:00', 5);
  months.now = at('2021-01-10T08:30:00');
  months.scheduler = months.newScheduler();
  await months.runUntil('2021-01-11T12:00:00', 5);
  t.deepEqual(months.starts, ['job 2021-01-07T00:00', 'job 2021-01-10T08:35', 'job 2021-01-11T00:00']);
});

test('a job never overlaps itself; events meanwhile make one run after it', async (t) => {
  const months = new Months(t);
  months.configure({ job: 'hourly', other: 'hourly' });
  for (const id of ['job', 'other']) await recordJobCreated(months.installation, id);
  months.duration.set('job', 2.5 * 3600);
  await months.runUntil('2021-01-06T05:59:00');
  t.deepEqual(
    months.starts.filter((start) => start.startsWith('job ')),
    ['job 2021-01-06T01:00', 'job 2021-01-06T03:30'],
    'the events of 2 and 3 o’clock made one run, as soon as the first was over',
  );
  t.is(months.starts.filter((start) => start.startsWith('other ')).length, 5);
  await months.scheduler.stop();
});

test('a job that somebody runs by hand is left alone', async (t) => {
  const months = new Months(t);
  months.configure({ job: 'hourly' });
  await recordJobCreated(months.installation, 'job');
  const lock = await lockJob(months.installation, 'job');
  await months.runUntil('2021-01-06T01:30:00');
  t.deepEqual(months.starts, []);
  lock.release();
  await months.runUntil('2021-01-06T01:32:00');
  t.deepEqual(months.starts, ['job 2021-01-06T01:31']);
});

test('stop aborts what runs, and its state says so', async (t) => {
  const months = new Months(t);
  months.configure({ job: 'hourly' });
  await recordJobCreated(months.installation, 'job');
  months.duration.set('job', 1e6);
  await months.runUntil('2021-01-06T01:00:00');
  t.deepEqual(months.scheduler.running, ['job']);
  await months.scheduler.stop();
  t.deepEqual(months.scheduler.running, []);
  const state = await readJobState(months.installation, 'job');
  t.true(state && 'finished' in state && 'Error' in state.finished.state);
  (await lockJob(months.installation, 'job', 0)).release();
});

test('mistakes in the file: told once, nothing started, and all is well again when they are gone', async (t) => {
  const months = new Months(t);
  months.write('backup: job\n\tdrive drive1\n\tschedule hourly\n');
  await months.runUntil('2021-01-06T00:10:00');
  t.is(months.log.length, 1);
  t.regex(months.log[0] ?? '', /no job is started: .*tape-job.cfg:1: section 'job' lacks/);
  months.configure({ job: 'hourly' });
  await months.runUntil('2021-01-06T01:10:00');
  t.deepEqual(months.starts, ['job 2021-01-06T01:00']);
});

test('changes of the file count from the next minute on', async (t) => {
  const months = new Months(t);
  months.configure({ job: 'hourly' });
  await recordJobCreated(months.installation, 'job');
  await months.runUntil('2021-01-06T01:10:00');
  months.configure({ job: '*:0/30' });
  await months.runUntil('2021-01-06T01:40:00');
  months.configure({});
  await months.runUntil('2021-01-06T03:00:00');
  t.deepEqual(months.starts, ['job 2021-01-06T01:00', 'job 2021-01-06T01:30']);
});

test('a clock that was set back: said once, no run until it is right', async (t) => {
  const months = new Months(t);
  months.configure({ job: 'daily' });
  await recordJobCreated(months.installation, 'job');
  await months.runUntil('2021-01-07T01:00:00', 5);
  months.log.length = 0;
  months.now = at('2020-06-01T00:00:00');
  await months.runUntil('2020-06-03T01:00:00', 5);
  t.is(months.log.length, 1);
  t.regex(months.log[0] ?? '', /'job' ran last at 2021-01-07.*the clock was set back/);
  months.now = at('2021-01-07T23:58:00');
  await months.runUntil('2021-01-08T00:10:00');
  t.deepEqual(months.starts, ['job 2021-01-07T00:00', 'job 2021-01-08T00:00']);
});

test('summer time: a job of 2:30 runs every day that has such a time, and once in the long night', async (t) => {
  const months = new Months(t, 'Europe/Berlin');
  months.now = at('2021-03-26T12:00:00');
  months.configure({ job: '2:30' });
  await recordJobCreated(months.installation, 'job');
  await months.runUntil('2021-03-29T12:00:00', 10);
  t.deepEqual(months.starts, ['job 2021-03-27T01:30', 'job 2021-03-29T00:30']);
  months.starts.length = 0;
  months.now = at('2021-10-30T12:00:00');
  await recordJobCreated(months.installation, 'job');
  await months.runUntil('2021-11-01T12:00:00', 10);
  t.deepEqual(months.starts, ['job 2021-10-31T00:30', 'job 2021-11-01T01:30']);
});

test('the next runs of all jobs, and of an event given by hand', async (t) => {
  const months = new Months(t);
  months.configure({ nightly: '2:30', noon: '12:00', never: '2020-1-1', manual: undefined });
  for (const id of ['nightly', 'noon', 'never']) await recordJobCreated(months.installation, id);
  t.deepEqual(await upcomingRuns(months.installation), [
    { id: 'nightly', schedule: '2:30', nextRun: at('2021-01-06T02:30:00') },
    { id: 'noon', schedule: '12:00', nextRun: at('2021-01-06T12:00:00') },
    { id: 'never', schedule: '2020-1-1' },
  ]);
  await months.runUntil('2021-01-06T03:00:00', 5);
  months.now = at('2021-01-08T01:00:00'); // nobody was there yesterday
  const state = { lastRunState: 'OK', lastRunEndtime: at('2021-01-06T02:30:00') };
  t.deepEqual(await upcomingRuns(months.installation, 2), [
    { id: 'nightly', schedule: '2:30', nextRun: months.now, ...state },
    { id: 'noon', schedule: '12:00', nextRun: months.now },
    { id: 'nightly', schedule: '2:30', nextRun: at('2021-01-08T02:30:00'), ...state },
    { id: 'noon', schedule: '12:00', nextRun: at('2021-01-08T12:00:00') },
    { id: 'never', schedule: '2020-1-1' },
  ]);
  const times = upcomingTimes(months.installation, 'sat..sun 8:00', 3);
  t.deepEqual(
    times.map(({ nextRun = 0 }) => new Date(nextRun * 1000).toISOString()),
    ['2021-01-09T08:00:00.000Z', '2021-01-10T08:00:00.000Z', '2021-01-16T08:00:00.000Z'],
  );
  t.is(upcomingTimes(months.installation, '2021-2-1..2', 10).length, 2, 'it ends');
  t.throws(() => upcomingTimes(months.installation, 'sometimes', 10), { code: 'bad-calendar-event' });
});
