/** State files of jobs: PBS's JSON, and what is made of it (behaviour.md section 20). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Installation } from '../../../ts/config/installation.ts';
import { FerriteError } from '../../../ts/errors.ts';
import {
  lastRun,
  lockJob,
  readJobState,
  recordJobCreated,
  recordScheduleChanged,
  referenceTime,
  removeJobState,
  runAsJob,
} from '../../../ts/jobs/schedule/job_state.ts';
import { runTask } from '../../../ts/jobs/tasks/task.ts';
import { RecordingObserver } from '../../recording_observer.ts';
import { temporaryInstallation } from '../../temporary_installation.ts';

const NOW = 1_700_000_000;

function file(installation: Installation, id: string): string {
  return join(installation.paths.jobStateDir, `tape-backup-job-${id}.json`);
}

function write(installation: Installation, id: string, content: string): void {
  mkdirSync(installation.paths.jobStateDir, { recursive: true });
  writeFileSync(file(installation, id), content);
}

/** Runs a job as the scheduler does. */
function run(installation: Installation, id: string, work: (warn: (line: string) => void) => Promise<void>) {
  const site = { taskLogDirectory: installation.paths.taskLogDir, clock: () => installation.clock() };
  return runAsJob(installation, id, (started) =>
    runTask(site, { type: 'tape-backup-job', id: `s:p:d:${id}` }, new RecordingObserver(), async (log, upid) => {
      await started(upid);
      await work((line) => log.warn(line));
    }),
  );
}

test('created, started, finished', async (t) => {
  const installation = temporaryInstallation(t);
  await recordJobCreated(installation, 'job1');
  t.is(readFileSync(file(installation, 'job1'), 'utf8'), `{"created":{"time":${NOW}}}`);
  const { upid } = await run(installation, 'job1', async () => {
    const state = await readJobState(installation, 'job1');
    t.true(state && 'started' in state);
    t.is((await lastRun(installation, state))?.state, undefined, 'it runs');
    await t.throwsAsync(lockJob(installation, 'job1', 0), { code: 'lock-timeout' });
  });
  const text = readFileSync(file(installation, 'job1'), 'utf8');
  t.is(text, `{"finished":{"upid":${JSON.stringify(upid)},"state":{"OK":{"endtime":${NOW}}},"updated":null}}`);
  (await lockJob(installation, 'job1', 0)).release();
});

test('warnings and errors are states, and the lock is given back', async (t) => {
  const installation = temporaryInstallation(t);
  await run(installation, 'job1', async (warn) => warn('a'));
  t.deepEqual((await lastRun(installation, await readJobState(installation, 'job1')))?.state, {
    Warning: { count: 1, endtime: NOW },
  });
  await run(installation, 'job1', () => Promise.reject(new FerriteError('operator', 'no-media', 'no tape')));
  t.deepEqual((await lastRun(installation, await readJobState(installation, 'job1')))?.state, {
    Error: { message: 'no tape', endtime: NOW },
  });
});

for (const [lastLine, state] of [
  ['TASK OK', { OK: { endtime: 1_700_000_100 } }],
  ['TASK WARNINGS: 12', { Warning: { count: 12, endtime: 1_700_000_100 } }],
  ['TASK ERROR: no tape: none at all', { Error: { message: 'no tape: none at all', endtime: 1_700_000_100 } }],
  ['end backup store1:vm/1', { Unknown: { endtime: 1_700_000_100 } }],
] as const) {
  test(`the process of a started job is gone, its log ends with '${lastLine}'`, async (t) => {
    const installation = temporaryInstallation(t);
    const upid = 'UPID:host:7FFFFFFF:00000012:00000000:6553F100:tape-backup-job:s:root@pam:';
    const folder = join(installation.paths.taskLogDir, '12');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, upid), `2023-11-14T22:13:20+00:00: begin\n2023-11-14T22:15:00+00:00: ${lastLine}\n`);
    write(installation, 'job1', JSON.stringify({ started: { upid } }));
    t.deepEqual(await lastRun(installation, await readJobState(installation, 'job1')), { upid, state });
  });
}

test('the moment after which the next event counts', (t) => {
  const upid = 'UPID:host:00000001:00000012:00000000:6553F100:tape-backup-job:s:root@pam:';
  const state = { OK: { endtime: NOW + 50 } };
  t.is(referenceTime(undefined, NOW), NOW - 30);
  t.is(referenceTime({ created: { time: 5 } }, NOW), 5);
  t.is(referenceTime({ started: { upid } }, NOW + 99), NOW);
  t.is(referenceTime({ finished: { upid, state, updated: null } }, NOW + 99), NOW, 'its start, not its end');
  t.is(referenceTime({ finished: { upid, state, updated: NOW + 70 } }, NOW + 99), NOW + 70);
});

test('a changed schedule counts from now on', async (t) => {
  let clock = NOW;
  const installation = temporaryInstallation(t, { clock: () => clock });
  const { upid } = await run(installation, 'job1', async () => {});
  clock += 1000;
  await recordScheduleChanged(installation, 'job1');
  const text = readFileSync(file(installation, 'job1'), 'utf8');
  t.is(text, `{"finished":{"upid":${JSON.stringify(upid)},"state":{"OK":{"endtime":${NOW}}},"updated":${NOW + 1000}}}`);
  await recordScheduleChanged(installation, 'never-ran');
  t.is(readFileSync(file(installation, 'never-ran'), 'utf8'), `{"created":{"time":${NOW + 1000}}}`);
});

for (const content of ['', '{', '[]', '{"finished":{}}', '{"created":{"time":"soon"}}']) {
  test(`a damaged state file counts as none, and is told of: ${JSON.stringify(content)}`, async (t) => {
    const notices: string[] = [];
    const installation = temporaryInstallation(t, { onNotice: (message) => notices.push(message) });
    write(installation, 'job1', content);
    t.is(await readJobState(installation, 'job1'), undefined);
    t.regex(notices[0] ?? '', /job1\.json is damaged/);
  });
}

test('a removed job leaves nothing', async (t) => {
  const installation = temporaryInstallation(t);
  await recordJobCreated(installation, 'job1');
  await removeJobState(installation, 'job1');
  t.false(existsSync(file(installation, 'job1')));
  await removeJobState(installation, 'job1');
});
