/** Tasks: their log as PBS's, and what becomes of errors, aborts and logs that cannot be written. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FerriteError } from '../../../ts/errors.ts';
import { runTask, type TaskSite } from '../../../ts/jobs/tasks/task.ts';
import { parseUpid } from '../../../ts/jobs/tasks/upid.ts';
import { RecordingObserver } from '../../recording_observer.ts';
import { temporaryDirectory } from '../../temporary_installation.ts';

const IDENTITY = { type: 'tape-backup', id: 'store1:pool1:tape0' };

function site(t: ExecutionContext): TaskSite {
  return { taskLogDirectory: join(temporaryDirectory(t), 'tasks'), clock: () => 1_700_000_000.7 };
}

function logOf({ taskLogDirectory }: TaskSite, upid: string): string[] {
  const folder = readdirSync(taskLogDirectory).find((name) => existsSync(join(taskLogDirectory, name, upid))) ?? '';
  return readFileSync(join(taskLogDirectory, folder, upid), 'utf8')
    .trimEnd()
    .split('\n');
}

const withoutTime = (line: string): string => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d): /, '');

test('a task that went well', async (t) => {
  const where = site(t);
  const observer = new RecordingObserver();
  const outcome = await runTask(where, IDENTITY, observer, async (log) => {
    log.info('first\nsecond');
    return 42;
  });
  t.deepEqual([outcome.status, outcome.value, outcome.warnings], ['OK', 42, 0]);
  t.deepEqual(observer.upids, [outcome.upid]);
  const upid = parseUpid(outcome.upid);
  t.deepEqual(
    [upid?.type, upid?.id, upid?.user, upid?.startTime],
    ['tape-backup', IDENTITY.id, 'root@pam', 1_700_000_000],
  );
  t.deepEqual(logOf(where, outcome.upid).map(withoutTime), ['first', 'second', 'TASK OK']);
});

test('warnings are counted, and an error beats them', async (t) => {
  const where = site(t);
  const warned = await runTask(where, IDENTITY, new RecordingObserver(), async (log) => {
    log.warn('odd');
    log.warn('odder');
  });
  t.is(warned.status, 'WARNINGS: 2');
  t.deepEqual(logOf(where, warned.upid).map(withoutTime), ['WARN: odd', 'WARN: odder', 'TASK WARNINGS: 2']);
  const failed = await runTask(where, IDENTITY, new RecordingObserver(), async (log) => {
    log.warn('odd');
    throw new FerriteError('operator', 'no-media', 'no tape\nbut two lines');
  });
  t.deepEqual([failed.status, failed.error?.code, failed.warnings], ['no tape', 'no-media', 1]);
  t.deepEqual(logOf(where, failed.upid).map(withoutTime), ['WARN: odd', 'but two lines', 'TASK ERROR: no tape']);
});

test('programmer errors are errors of the task, too', async (t) => {
  const outcome = await runTask(site(t), IDENTITY, new RecordingObserver(), async () => {
    throw new TypeError('undefined is not a tape');
  });
  t.is(outcome.error?.code, 'internal');
});

test('what fails because of an abort is the abort', async (t) => {
  const observer = new RecordingObserver();
  const outcome = await runTask(site(t), IDENTITY, observer, async () => {
    observer.abort.abort();
    throw new FerriteError('system', 'io', 'the pipe broke');
  });
  t.is(outcome.error?.kind, 'aborted');
  t.is((outcome.error?.cause as FerriteError | undefined)?.message, 'the pipe broke');
});

test('two tasks of one process in one second have different ids', async (t) => {
  const where = site(t);
  const work = async (): Promise<void> => {};
  const upids = await Promise.all([1, 2].map(() => runTask(where, IDENTITY, new RecordingObserver(), work)));
  t.is(new Set(upids.map(({ upid }) => upid)).size, 2);
});

test('a log that cannot be made ends the task before it begins', async (t) => {
  const where = site(t);
  mkdirSync(join(where.taskLogDirectory, '..'), { recursive: true });
  writeFileSync(where.taskLogDirectory, 'in the way');
  await t.throwsAsync(
    runTask(where, IDENTITY, new RecordingObserver(), async () => t.fail()),
    { message: /tasks/ },
  );
});
