/**
 * What is known about the last run of each backup job: PBS's `tape-backup-job-<id>.json` and its lock (behaviour.md
 * section 20). The lock is held while the job runs, so a job never overlaps itself, whoever starts it.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/schema';
import { type HeldLock, LOCK_TIMEOUT_MS } from '../../config/file_lock.ts';
import { type Installation, lockFile, now } from '../../config/installation.ts';
import { replaceFile } from '../../config/replace_file.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import type { TaskOutcome } from '../../log.ts';
import { isTaskProcessAlive, readTaskState, stateOfOutcome, type TaskState, taskLogPath } from '../tasks/task_log.ts';
import { parseUpid } from '../tasks/upid.ts';

const endtime = Type.Integer();
const taskState = Type.Union([
  Type.Object({ Unknown: Type.Object({ endtime }) }),
  Type.Object({ OK: Type.Object({ endtime }) }),
  Type.Object({ Warning: Type.Object({ count: Type.Integer(), endtime }) }),
  Type.Object({ Error: Type.Object({ message: Type.String(), endtime }) }),
]);

/** The file as PBS writes it; times in epoch seconds. */
const jobState = Type.Union([
  Type.Object({ created: Type.Object({ time: Type.Integer() }) }),
  Type.Object({ started: Type.Object({ upid: Type.String() }) }),
  Type.Object({
    finished: Type.Object({
      upid: Type.String(),
      state: taskState,
      /** When the schedule was changed after that run: the next run is counted from then on. */
      updated: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
    }),
  }),
]);
export type JobState = Static<typeof jobState>;

/** The last run of a job. */
export interface LastRun {
  upid: string;
  /** Undefined: it is running. */
  state: TaskState | undefined;
}

/** Of a job without a state file the schedule counts from so many seconds ago. */
const UNKNOWN_JOB_AGE_SECONDS = 30;

function stateFile(installation: Installation, id: string): string {
  return join(installation.paths.jobStateDir, `tape-backup-job-${id}.json`);
}

/** Undefined where there is none. A damaged file is reported and counts as none (since-3.2.4.md F27). */
export async function readJobState(installation: Installation, id: string): Promise<JobState | undefined> {
  const path = stateFile(installation, id);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const cause = toFerriteError(error);
    if (cause.code === 'ENOENT') return undefined;
    throw new FerriteError('system', cause.code, `cannot read ${path}: ${cause.message}`, { cause: error });
  }
  try {
    const state: unknown = JSON.parse(text);
    if (Check(jobState, state)) return state as JobState;
  } catch {
    // not JSON: as damaged as JSON that says something else
  }
  installation.notice(`${path} is damaged: the last run of job '${id}' is unknown, its next run writes the file anew`);
  return undefined;
}

async function writeJobState(installation: Installation, id: string, state: JobState): Promise<void> {
  const path = stateFile(installation, id);
  await replaceFile(installation, path, JSON.stringify(state), { mode: 0o644, owner: installation.owner });
}

/** Keeps everybody else from running the job. Rejects (`operator`, `lock-timeout`) while it runs. */
export function lockJob(installation: Installation, id: string, timeoutMs = LOCK_TIMEOUT_MS): Promise<HeldLock> {
  const path = stateFile(installation, id).replace(/\.json$/, '.lck');
  return lockFile(installation, path, `backup job '${id}'`, timeoutMs);
}

/** A new job: its schedule counts from now on. */
export async function recordJobCreated(installation: Installation, id: string): Promise<void> {
  await whileLocked(installation, id, () => writeJobState(installation, id, { created: { time: now(installation) } }));
}

/** The schedule of a job was changed: it counts from now on, whatever the job has missed by the new one. */
export async function recordScheduleChanged(installation: Installation, id: string): Promise<void> {
  await whileLocked(installation, id, async () => {
    const last = await lastRun(installation, await readJobState(installation, id));
    const time = now(installation);
    await writeJobState(
      installation,
      id,
      last?.state ? { finished: { upid: last.upid, state: last.state, updated: time } } : { created: { time } },
    );
  });
}

/** Forgets a job that is removed. */
export async function removeJobState(installation: Installation, id: string): Promise<void> {
  const path = stateFile(installation, id);
  await rm(path, { force: true });
  await rm(path.replace(/\.json$/, '.lck'), { force: true });
}

async function whileLocked(installation: Installation, id: string, work: () => Promise<void>): Promise<void> {
  const lock = await lockJob(installation, id);
  try {
    await work();
  } finally {
    lock.release();
  }
}

/** Undefined: the job never ran. A run whose process is gone ended as its log says. */
export async function lastRun(installation: Installation, state: JobState | undefined): Promise<LastRun | undefined> {
  if (state === undefined || 'created' in state) return undefined;
  if ('finished' in state) return { upid: state.finished.upid, state: state.finished.state };
  const { upid: text } = state.started;
  const upid = parseUpid(text);
  if (!upid) return undefined;
  if (isTaskProcessAlive(upid)) return { upid: text, state: undefined };
  return { upid: text, state: await readTaskState(taskLogPath(installation.paths.taskLogDir, upid), upid) };
}

/** The moment after which the job's next event counts: the start of its last run, or what came later. */
export function referenceTime(state: JobState | undefined, nowEpoch: number): number {
  if (state === undefined) return nowEpoch - UNKNOWN_JOB_AGE_SECONDS;
  if ('created' in state) return state.created.time;
  const { upid, updated } = 'finished' in state ? state.finished : { ...state.started, updated: null };
  return updated ?? parseUpid(upid)?.startTime ?? nowEpoch - UNKNOWN_JOB_AGE_SECONDS;
}

/** Tells that the job's task has begun. */
export type JobStarted = (upid: string) => Promise<void>;

/**
 * Runs a job under its lock and keeps its state: started, then finished, also when it failed. A process that dies in
 * between leaves `started`; who reads that finds the end in the task's log.
 */
export async function runAsJob<T>(
  installation: Installation,
  id: string,
  work: (started: JobStarted) => Promise<TaskOutcome<T>>,
  timeoutMs = LOCK_TIMEOUT_MS,
): Promise<TaskOutcome<T>> {
  const lock = await lockJob(installation, id, timeoutMs);
  try {
    const outcome = await work((upid) => writeJobState(installation, id, { started: { upid } }));
    const state = stateOfOutcome(outcome, now(installation));
    await writeJobState(installation, id, { finished: { upid: outcome.upid, state, updated: null } });
    return outcome;
  } finally {
    lock.release();
  }
}
