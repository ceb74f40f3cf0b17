/**
 * A task runs in the calling process and leaves a log as PBS's tasks do: every line with its time, a last line with the
 * outcome (behaviour.md section 20, D21). It is what `backup`, `restore` and most drive commands run in.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { FerriteError, toFerriteError } from '../../errors.ts';
import type { TaskObserver, TaskOutcome, WorkLog } from '../../log.ts';
import { formatWithOffset } from '../../time/rfc3339.ts';
import { taskLogPath } from './task_log.ts';
import { printUpid, type Upid } from './upid.ts';

export interface TaskSite {
  /** Directory of task logs, e.g. `<root>/var/log/proxmox-backup/tasks`. */
  taskLogDirectory: string;
  /** Epoch seconds. */
  clock(): number;
}

export interface TaskIdentity {
  /** `tape-backup`, `label-media`, ... (behaviour.md section 19) */
  type: string;
  id: string;
  user?: string;
}

let taskCounter = 0;

/** Field 22 of /proc/self/stat; the command name before it may hold blanks and parentheses. */
function processStart(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return Number(fields[19] ?? 0);
}

/**
 * The log file of one task. Written synchronously: a line that was shown is a line on disk, whatever comes next. Once it
 * cannot be written (disk full) it is given up: a log is no reason to stop a job that writes to tape.
 */
class TaskLogFile {
  readonly path: string;
  readonly #descriptor: number;
  readonly #clock: () => number;
  /** Why nothing is written any more. */
  failure: FerriteError | undefined;

  constructor(directory: string, upid: Upid, clock: () => number) {
    this.path = taskLogPath(directory, upid);
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o755 });
    this.#descriptor = openSync(this.path, 'ax', 0o640);
    this.#clock = clock;
  }

  line(text: string): void {
    if (this.failure) return;
    const stamp = formatWithOffset(Math.floor(this.#clock()));
    try {
      for (const part of text.split('\n')) writeSync(this.#descriptor, `${stamp}: ${part}\n`);
    } catch (error) {
      this.failure = toFerriteError(error);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/**
 * Runs `work` as a task. Never throws for what the work met: the outcome carries it. Throws only where the task could not
 * be started, e.g. because its log cannot be written.
 */
export async function runTask<T>(
  site: TaskSite,
  identity: TaskIdentity,
  observer: TaskObserver,
  work: (log: WorkLog, upid: string) => Promise<T>,
): Promise<TaskOutcome<T>> {
  const upid: Upid = {
    node: hostname().split('.')[0] || 'localhost',
    pid: process.pid,
    processStart: processStart(),
    task: taskCounter++,
    startTime: Math.floor(site.clock()),
    type: identity.type,
    id: identity.id,
    user: identity.user ?? 'root@pam',
  };
  const file = new TaskLogFile(site.taskLogDirectory, upid, site.clock);
  let warnings = 0;
  const write = (line: string): void => {
    const wasGood = !file.failure;
    file.line(line);
    if (!wasGood || !file.failure) return;
    warnings++;
    observer.line('warn', `the task goes on without its log ${file.path}: ${file.failure.message}`);
  };
  const log: WorkLog = {
    info(line) {
      write(line);
      observer.line('info', line);
    },
    warn(line) {
      warnings++;
      write(`WARN: ${line}`);
      observer.line('warn', line);
    },
    progress: (event) => observer.progress(event),
    signal: observer.signal,
  };
  const text = printUpid(upid);
  observer.started(text);
  try {
    const value = await work(log, text);
    const status = warnings === 0 ? 'OK' : `WARNINGS: ${warnings}`;
    file.line(`TASK ${status}`);
    observer.line('info', `TASK ${status}`);
    return { upid: text, status, warnings, value };
  } catch (thrown) {
    const error = observer.signal.aborted ? abortError(thrown) : toFerriteError(thrown);
    const [status = '', ...details] = error.message.split('\n');
    for (const line of details) file.line(line);
    file.line(`TASK ERROR: ${status}`);
    observer.line('error', `TASK ERROR: ${status}`);
    return { upid: text, status, warnings, error };
  } finally {
    file.close();
  }
}

/** An abort is the user's will, not a failure of what was in flight; what that said stays as the cause. */
function abortError(thrown: unknown): FerriteError {
  const error = toFerriteError(thrown);
  return error.kind === 'aborted' ? error : new FerriteError('aborted', 'aborted', 'abort requested', { cause: error });
}
