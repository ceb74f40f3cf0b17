/** Who is told what about a job, and that messages which do not get through are warnings. */
import { mkdirSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { Installation } from '../../../ts/config/installation.ts';
import { createTarget, mailAddressOf, setAddress } from '../../../ts/config/notify.ts';
import { announced } from '../../../ts/jobs/notify/announced.ts';
import { Notifier, type NotifyOptions } from '../../../ts/jobs/notify/notifier.ts';
import { RecordingObserver } from '../../recording_observer.ts';
import { temporaryInstallation } from '../../temporary_installation.ts';
import { webServer } from './servers.ts';

const JOB = { kind: 'backup', jobId: 'job1', store: 'store1', pool: 'daily', drive: 'drive1' } as const;
const SUMMARY = { mediaSetUuid: 'set1', snapshots: ['vm/1/2024-06-05T09:33:20Z'], tapes: ['T1', 'T2'] };

async function withHook(t: ExecutionContext, options: Partial<NotifyOptions> = {}, target = {}) {
  const installation = temporaryInstallation(t);
  const { url, requests } = await webServer(t);
  await createTarget(installation, { name: 'hook', type: 'webhook', url, ...target });
  const notifier = new Notifier(installation, { job: JOB, mode: 'notification-system', ...options });
  return { installation, requests, notifier, log: new RecordingObserver() };
}

function run(installation: Installation, notifier: Notifier, log: RecordingObserver, work: () => Promise<string>) {
  const job = {
    upid: 'UPID:x:',
    work: (inner: { warn(line: string): void }) => {
      inner.warn('a tape is old');
      return work();
    },
    summarize: () => SUMMARY,
    tellAborts: true,
  };
  return announced(installation, notifier, job, log);
}

test('a job that went well, with what it warned of', async (t) => {
  const { installation, requests, notifier, log } = await withHook(t);
  t.is(await run(installation, notifier, log, async () => 'done'), 'done');
  t.like(requests[0]?.body, { title: "Backup job 'job1' is done, with a warning", severity: 'warning' });
  const text = String(requests[0]?.body.message);
  for (const part of ['a tape is old', 'vm/1/2024-06-05T09:33:20Z', 'T1', 'T2', 'set1', 'daily', 'UPID:x:']) {
    t.true(text.includes(part), part);
  }
  t.deepEqual(log.warnings, ['a tape is old']);
});

test('a job that failed', async (t) => {
  const { installation, requests, notifier, log } = await withHook(t);
  const failing = run(installation, notifier, log, () => Promise.reject(new Error('no tape\nnone at all')));
  await t.throwsAsync(failing, { message: 'no tape\nnone at all' });
  t.like(requests[0]?.body, { event: 'failure', severity: 'error' });
  t.regex(String(requests[0]?.body.title), /^Backup job 'job1' failed: .*no tape$/);
  t.regex(String(requests[0]?.body.message), /none at all/);
});

test('requests, and targets that want to hear only of some things', async (t) => {
  const { requests, notifier, log, installation } = await withHook(t, {}, { event: ['request'] });
  const operator = notifier.operator({ waits: false });
  const where = { drive: 'drive1', changer: 'sl3' };
  operator.ask({ kind: 'insert-tape', ...where, labelText: 'T7', reason: 'it is not there' }, log);
  operator.ask({ kind: 'clean-drive', drive: 'drive1', reason: 'CLEAN_NOW' }, log);
  operator.ask({ kind: 'take-out', ...where, mediaSetUuid: 'set1', tapes: [{ labelText: 'T7', slot: 25 }] }, log);
  await run(installation, notifier, log, async () => 'done');
  t.deepEqual(requests.map(({ body }) => body.title).sort(), [
    "Drive 'drive1' needs cleaning",
    "Insert tape 'T7' into library 'sl3'",
    "Take a tape out of library 'sl3'",
  ]);
  t.true(requests.some(({ body }) => String(body.message).includes('T7 (slot 25)')));
  t.deepEqual(log.warnings, ['a tape is old']);
});

test('what does not get through is a warning, and the job is done all the same', async (t) => {
  const { installation, notifier, log } = await withHook(t, {}, { url: 'http://127.0.0.1:9/' });
  notifier.ask({ kind: 'clean-drive', drive: 'drive1', reason: 'CLEAN_NOW' }, log);
  t.is(await run(installation, notifier, log, async () => 'done'), 'done');
  t.is(log.warnings.length, 3);
  t.regex(log.warnings.join('\n'), /'hook': .*\('Drive 'drive1' needs cleaning' was not delivered\)/);
});

test('a file with mistakes: a warning, no failure', async (t) => {
  const { installation, notifier, log } = await withHook(t);
  writeFileSync(installation.paths.configFile('ferrite.cfg'), 'notify: hook\n\ttype pigeon\n');
  t.is(await run(installation, notifier, log, async () => 'done'), 'done');
  t.regex(log.warnings.at(-1) ?? '', /nobody was told .*ferrite\.cfg:2/);
});

test('a disabled target hears nothing', async (t) => {
  const { installation, requests, notifier, log } = await withHook(t, {}, { disable: true });
  await run(installation, notifier, log, async () => 'done');
  t.deepEqual(requests, []);
});

test('a named user without address: one warning a job; an unnamed one: none (D19)', async (t) => {
  const { installation, notifier, log } = await withHook(t, { mode: 'legacy-sendmail', notifyUser: 'joe@pbs' });
  notifier.ask({ kind: 'clean-drive', drive: 'drive1', reason: 'CLEAN_NOW' }, log);
  await run(installation, notifier, log, async () => 'done');
  t.is(log.warnings.filter((line) => /no mail address of 'joe@pbs'/.test(line)).length, 1);
  const other = await withHook(t, { mode: 'legacy-sendmail' });
  await run(other.installation, other.notifier, other.log, async () => 'done');
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
