/** How a task ended, from its log alone: the last line says it (behaviour.md section 20). */
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskOutcome } from '../../log.ts';
import { parseRfc3339 } from '../../time/rfc3339.ts';
import { printUpid, type Upid } from './upid.ts';

/** How a task ended; `endtime` in epoch seconds. The form is that of PBS's job state files. */
export type TaskState =
  | { readonly Unknown: { readonly endtime: number } }
  | { readonly OK: { readonly endtime: number } }
  | { readonly Warning: { readonly count: number; readonly endtime: number } }
  | { readonly Error: { readonly message: string; readonly endtime: number } };

/** Tasks of one process share a folder. */
export function taskLogPath(taskLogDirectory: string, upid: Upid): string {
  const shelf = (upid.processStart % 256).toString(16).toUpperCase().padStart(2, '0');
  return join(taskLogDirectory, shelf, printUpid(upid));
}

/** `OK`, `WARNINGS: n`, the error's text, or `unknown`: what lists of tasks show. */
export function describeTaskState(state: TaskState): string {
  if ('OK' in state) return 'OK';
  if ('Warning' in state) return `WARNINGS: ${state.Warning.count}`;
  return 'Error' in state ? state.Error.message : 'unknown';
}

export function taskEndTime(state: TaskState): number {
  if ('OK' in state) return state.OK.endtime;
  if ('Warning' in state) return state.Warning.endtime;
  return 'Error' in state ? state.Error.endtime : state.Unknown.endtime;
}

/** The state of a task that ended in this process, at `endtime`. */
export function stateOfOutcome(outcome: TaskOutcome<unknown>, endtime: number): TaskState {
  if (outcome.error) return { Error: { message: outcome.status, endtime } };
  return outcome.warnings > 0 ? { Warning: { count: outcome.warnings, endtime } } : { OK: { endtime } };
}

/** Whether the process that ran the task is still there; a process that got the same number later is not it. */
export function isTaskProcessAlive(upid: Upid): boolean {
  try {
    const fields = readFileSync(`/proc/${upid.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return Number(fields[19]) === upid.processStart;
  } catch {
    return false;
  }
}

/** Longer than any last line: messages of errors are cut by nobody, and name paths and lists of tapes. */
const TAIL_BYTES = 65_536;

/** A log without a last line, or no log at all, is that of a task whose process was killed: `Unknown`. */
export async function readTaskState(path: string, upid: Upid): Promise<TaskState> {
  const lines = (await readTail(path)).split('\n').filter((line) => line !== '');
  const [, stamp = '', text = ''] = /^(\S+): (.*)$/.exec(lines.at(-1) ?? '') ?? [];
  const endtime = stamp === '' ? upid.startTime : parseRfc3339(stamp);
  if (text === 'TASK OK') return { OK: { endtime } };
  const [, count] = /^TASK WARNINGS: (\d+)$/.exec(text) ?? [];
  if (count !== undefined) return { Warning: { count: Number(count), endtime } };
  const [, message] = /^TASK ERROR: (.*)$/.exec(text) ?? [];
  return message === undefined ? { Unknown: { endtime } } : { Error: { message, endtime } };
}

async function readTail(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(TAIL_BYTES),
        0,
        TAIL_BYTES,
        Math.max(0, size - TAIL_BYTES),
      );
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return ''; // removed by a clean-up of old logs
  }
}
