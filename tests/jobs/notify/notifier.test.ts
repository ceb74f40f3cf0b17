/** Who is told what about a job, and that messages which do not get through are warnings. */
import { mkdirSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { createTarget, mailAddressOf, setAddress } from '../../../ts/config/notify.ts';
import { type Announcement, announced } from '../../../ts/jobs/notify/announced.ts';
import type { OperatorRequest } from '../../../ts/library/operator.ts';
import { RecordingObserver } from '../../recording_observer.ts';
import { temporaryInstallation } from '../../temporary_installation.ts';
import { webServer } from './servers.ts';

const JOB = { kind: 'backup', jobId: 'job1', store: 'store1', pool: 'daily', drive: 'drive1' } as const;
const SUMMARY = { mediaSetUuid: 'set1', snapshots: ['vm/1/2024-06-05T09:33:20Z'], tapes: ['T1', 'T2'] };

/** A job with a webhook; its work warns of something, asks for what it is told to, and gives 'done'. */
async function withHook(t: ExecutionContext, options: Partial<Announcement<string>> = {}, target = {}) {
  const installation = temporaryInstallation(t);
  const { url, requests } = await webServer(t);
  await createTarget(installation, { name: 'hook', type: 'webhook', url, ...target });
  const log = new RecordingObserver();
  const announcement: Announcement<string> = {
    installation,
    job: JOB,
    mode: 'notification-system',
    tellsAborts: true,
    summarize: () => SUMMARY,
    ...options,
  };
  const run = (asks: OperatorRequest[] = [], work = async () => 'done') =>
    announced(announcement, 'UPID:x:', log, (inner, operator) => {
      inner.warn('a tape is old');
      for (const request of asks) operator.ask(request, inner);
      return work();
    });
  return { installation, requests, log, run };
}

const CLEANING = {
  kind: 'clean-drive',
  drive: 'drive1',
  changer: undefined,
  reason: 'CLEAN_NOW',
  advice: 'insert a cleaning cartridge',
} as const;

test('a job that went well, with what it warned of', async (t) => {
  const { requests, log, run } = await withHook(t);
  t.is(await run(), 'done');
  t.like(requests[0]?.body, { title: "Backup job 'job1' is done, with a warning", severity: 'warning' });
  const text = String(requests[0]?.body.message);
  for (const part of ['a tape is old', 'vm/1/2024-06-05T09:33:20Z', 'T1', 'T2', 'set1', 'daily', 'UPID:x:']) {
    t.true(text.includes(part), part);
  }
  t.deepEqual(log.warnings, ['a tape is old']);
});

test('a job that failed', async (t) => {
  const { requests, run } = await withHook(t);
  const failing = run([], () => Promise.reject(new Error('no tape\nnone at all')));
  await t.throwsAsync(failing, { message: 'no tape\nnone at all' });
  t.like(requests[0]?.body, { event: 'failure', severity: 'error' });
  t.regex(String(requests[0]?.body.title), /^Backup job 'job1' failed: .*no tape$/);
  t.regex(String(requests[0]?.body.message), /none at all/);
});

test('a job that was stopped is news only where nobody watched', async (t) => {
  for (const tellsAborts of [true, false]) {
    const { requests, log, run } = await withHook(t, { tellsAborts });
    const stopped = run([], () => {
      log.abort.abort();
      return Promise.reject(new Error('stopped'));
    });
    await t.throwsAsync(stopped);
    t.deepEqual(
      requests.map(({ body }) => body.title),
      tellsAborts ? ["Backup job 'job1' failed: aborted"] : [],
    );
  }
});

test('requests, and targets that want to hear only of some things', async (t) => {
  const { requests, log, run } = await withHook(t, {}, { event: ['request'] });
  const where = { drive: 'drive1', changer: 'sl3' };
  await run([
    { kind: 'insert-tape', ...where, labelText: 'T7', reason: 'it is not there' },
    CLEANING,
    { kind: 'take-out', ...where, mediaSetUuid: 'set1', tapes: [{ labelText: 'T7', slot: 25 }] },
  ]);
  t.deepEqual(requests.map(({ body }) => body.title).sort(), [
    "Drive 'drive1' needs cleaning",
    "Insert tape 'T7' into library 'sl3'",
    "Take a tape out of library 'sl3'",
  ]);
  t.true(requests.some(({ body }) => String(body.message).includes('T7 (slot 25)')));
  t.deepEqual(log.warnings, ['a tape is old']);
});

test('what does not get through is a warning, and the job is done all the same', async (t) => {
  const { log, run } = await withHook(t, {}, { url: 'http://127.0.0.1:9/' });
  t.is(await run([CLEANING]), 'done');
  t.is(log.warnings.length, 3);
  t.regex(log.warnings.join('\n'), /'hook': .*\('Drive 'drive1' needs cleaning' was not delivered\)/);
});

test('a file with mistakes: a warning, no failure', async (t) => {
  const { installation, log, run } = await withHook(t);
  writeFileSync(installation.paths.configFile('ferrite.cfg'), 'notify: hook\n\ttype pigeon\n');
  t.is(await run(), 'done');
  t.regex(log.warnings.at(-1) ?? '', /nobody was told .*ferrite\.cfg:2/);
});

test('a disabled target hears nothing', async (t) => {
  const { requests, run } = await withHook(t, {}, { disable: true });
  await run();
  t.deepEqual(requests, []);
});

test('a named user without address: one warning a job; an unnamed one: none (D19)', async (t) => {
  const named = await withHook(t, { mode: 'legacy-sendmail', notifyUser: 'joe@pbs' });
  await named.run([CLEANING]);
  t.is(named.log.warnings.filter((line) => /no mail address of 'joe@pbs'/.test(line)).length, 1);
  t.is(named.requests.length, 2, 'targets are told all the same');
  const other = await withHook(t, { mode: 'legacy-sendmail' });
  await other.run();
  t.deepEqual(other.log.warnings, ['a tape is old']);
});

test("addresses: PBS's user.cfg first, then ferrite.cfg", async (t) => {
  const notices: string[] = [];
  const installation = temporaryInstallation(t, { onNotice: (message) => notices.push(message) });
  mkdirSync(installation.paths.configDir, { recursive: true });
  writeFileSync(
    installation.paths.configFile('user.cfg'),
    'user: root@pam\n\temail root@example.com\n\tfirstname R\n\nuser: joe@pbs\n\ntoken: root@pam!t1\n\tenable 1\n',
  );
  for (const user of ['root@pam', 'joe@pbs']) await setAddress(installation, user, 'other@example.com');
  t.is(await mailAddressOf(installation, 'root@pam'), 'root@example.com');
  t.is(await mailAddressOf(installation, 'joe@pbs'), 'other@example.com');
  t.is(await mailAddressOf(installation, 'who@pbs'), undefined);
  t.deepEqual(notices, []);
});
