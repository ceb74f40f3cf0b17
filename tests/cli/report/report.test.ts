import test from 'ava';
import type { SignalSource } from '../../../ts/cli/report/interrupts.ts';
import { Report } from '../../../ts/cli/report/report.ts';
import { type ReportSettings, settingsFrom } from '../../../ts/cli/report/settings.ts';
import { FerriteError } from '../../../ts/errors.ts';
import type { TaskOutcome } from '../../../ts/log.ts';
import { sample } from '../grammar/sample.ts';
import { MemoryStream, quiet, runIn } from '../run.ts';

const run = (line: string, options = {}) => runIn(sample, line.split(' '), options);

test('a task as text: its log on stdout, nothing else without a terminal', async (t) => {
  t.deepEqual(await run('task well'), { code: 0, stdout: 'one fact\nWARN: something odd\n', stderr: '' });
});

test('a task that fails: its log, the error, exit code 255 (D15)', async (t) => {
  const { code, stdout, stderr } = await run('task badly');
  t.is(code, 255);
  t.is(stdout, 'one fact\nWARN: something odd\n');
  t.is(stderr, 'Error: it broke\n');
});

test('a task as JSON: one line at the end (D21), warnings on stderr', async (t) => {
  const { stdout, stderr, code } = await run('task badly --output-format json');
  t.is(code, 255);
  t.is(stdout, '{"status":"it broke","upid":"UPID:sample:"}\n');
  t.is(stderr, 'Warning: something odd\nError: it broke\n');
});

test('--progress json: every line of stderr is JSON', async (t) => {
  const { stdout, stderr } = await run('task badly --progress json');
  t.is(stdout, 'one fact\nWARN: something odd\n');
  const events = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.deepEqual(events, [
    { kind: 'started', upid: 'UPID:sample:' },
    {
      kind: 'progress',
      activity: 'vm/100',
      'done-bytes': 1536,
      'total-bytes': 3072,
      fraction: 0.5,
      'bytes-per-second': 1024,
    },
    { kind: 'ended', upid: 'UPID:sample:', status: 'it broke' },
    { kind: 'error', code: 'sample', text: 'it broke' },
  ]);
});

test('on a terminal, a status line that is gone before anything else is printed', async (t) => {
  const { stderr, stdout } = await run('task well', { terminal: { columns: 120 } });
  const clear = '\r\u001b[2K';
  t.is(stderr, `${clear}vm/100  50.00%  1.50 KiB of 3.00 KiB  1.00 KiB/s${clear}`);
  t.is(stdout, 'one fact\nWARN: something odd\n');
  const narrow = await run('task well', { terminal: { columns: 11 } });
  t.is(narrow.stderr, `${clear}vm/100  50${clear}`);
  t.is((await run('task well --progress none', { terminal: { columns: 120 } })).stderr, '');
});

class ManualSignals implements SignalSource {
  readonly listeners = new Map<string, () => void>();
  exited: number | undefined;
  on(signal: string, listener: () => void): void {
    this.listeners.set(signal, listener);
  }
  off(signal: string): void {
    this.listeners.delete(signal);
  }
  exit(code: number): void {
    this.exited = code;
  }
}

function makeReport(signals: SignalSource, settings: Partial<ReportSettings> = {}) {
  const streams = { stdout: new MemoryStream(), stderr: new MemoryStream() };
  const report = new Report(streams, { ...settingsFrom({}, 'sorted'), ...settings }, signals);
  return { report, ...streams };
}

const aborted: TaskOutcome<never> = {
  upid: 'UPID:',
  status: 'aborted',
  warnings: 0,
  error: new FerriteError('aborted', 'aborted', 'abort requested'),
};

test('the first signal aborts the task, whose exit code is that of the signal', async (t) => {
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const signals = new ManualSignals();
    const { report, stderr } = makeReport(signals);
    await report.task(async (observer) => {
      t.false(observer.signal.aborted);
      signals.listeners.get(name)?.();
      t.true(observer.signal.aborted);
      return aborted;
    });
    t.is(report.exitCode, code);
    t.is(signals.exited, undefined);
    t.regex(stderr.text, /^abort requested/);
    t.is(signals.listeners.size, 0, 'signals mean again what they meant');
  }
});

test('the second signal ends the process at once', async (t) => {
  const signals = new ManualSignals();
  const { report } = makeReport(signals);
  await report.task(async () => {
    signals.listeners.get('SIGINT')?.();
    signals.listeners.get('SIGINT')?.();
    t.is(signals.exited, 130);
    return aborted;
  });
});

test('a task that was done before the abort reached it succeeded', async (t) => {
  const signals = new ManualSignals();
  const { report } = makeReport(signals);
  await report.task(async () => {
    signals.listeners.get('SIGINT')?.();
    return { upid: 'UPID:', status: 'OK', warnings: 0, value: 1 };
  });
  t.is(report.exitCode, 0);
});

test('output that nobody reads is dropped; the task goes on', async (t) => {
  const { report, stdout } = makeReport(quiet);
  await report.task(async (observer) => {
    observer.line('info', 'one');
    report.readerWentAway();
    observer.line('info', 'two');
    return { upid: 'UPID:', status: 'OK', warnings: 0, value: undefined };
  });
  t.is(stdout.text, 'one\n');
  t.is(report.exitCode, 141);
});

test('work that is no task: its words on stderr, its value for the caller', async (t) => {
  const signals = new ManualSignals();
  const { report, stdout, stderr } = makeReport(signals);
  const value = await report.work(async (log) => {
    log.info('verifying');
    log.warn('odd');
    log.progress({ activity: 'x' });
    signals.listeners.get('SIGTERM')?.();
    return log.signal.aborted;
  });
  t.true(value);
  t.is(stdout.text, '');
  t.regex(stderr.text, /^verifying\nWarning: odd\nabort requested/);
  t.is(signals.listeners.size, 0);
});

test('pmt and pmtx keep the order of properties', (t) => {
  const { report, stdout } = makeReport(quiet, { keyOrder: 'declared', format: 'json' });
  report.record({ zebra: 1, apple: undefined, mango: null }, []);
  t.is(stdout.text, '{"zebra":1,"mango":null}\n');
});

test('messages cannot move the cursor', (t) => {
  const { report, stderr } = makeReport(quiet);
  report.warn('tape \u001b[2J\u202e');
  report.info('\r');
  t.is(stderr.text, 'Warning: tape \\x1b[2J\\u202e\n\\x0d\n');
});
