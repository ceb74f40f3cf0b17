/**
 * Decides, once a minute, which jobs to start, and starts them (behaviour.md section 20). A job is due when its first event
 * after the start of its last run has come; events that were missed make one run. It knows no clock and no timer but the
 * installation's: the daemon, or a test, calls `tick`.
 */
import { isLockTimeout } from '../../config/file_lock.ts';
import type { Installation } from '../../config/installation.ts';
import type { JobConfig } from '../../config/job_section.ts';
import { listJobConfigs } from '../../config/jobs.ts';
import { toFerriteError } from '../../errors.ts';
import type { TaskOutcome } from '../../log.ts';
import { nextEvent, parseCalendarEvent } from '../../time/calendar_event.ts';
import { lockJob, readJobState, referenceTime } from './job_state.ts';

/** Runs one job as a task: takes its lock, waits for its drive however long that takes, keeps its state. */
export type RunJob = (job: JobConfig, signal: AbortSignal) => Promise<TaskOutcome<unknown>>;

/** Where the scheduler tells what it does. */
export interface ScheduleLog {
  info(line: string): void;
  warn(line: string): void;
}

/** A clock that is this far behind the last run of a job was set back, and keeps the job from running. */
const CLOCK_TOLERANCE_SECONDS = 60;

export class Scheduler {
  readonly #installation: Installation;
  readonly #runJob: RunJob;
  readonly #log: ScheduleLog;
  readonly #abort = new AbortController();
  /** Runs in progress by job. */
  readonly #running = new Map<string, Promise<void>>();
  /** What was last said about a thing that stays as it is from minute to minute. */
  readonly #said = new Map<string, string>();

  constructor(installation: Installation, runJob: RunJob, log: ScheduleLog) {
    this.#installation = installation;
    this.#runJob = runJob;
    this.#log = log;
  }

  /** Jobs that run or wait for their drive. */
  get running(): string[] {
    return [...this.#running.keys()];
  }

  /** Looks at the configuration and starts what is due; resolves with the jobs started, while they run. */
  async tick(): Promise<string[]> {
    const jobs = await this.#jobs();
    const started: string[] = [];
    for (const job of jobs) {
      if (this.#abort.signal.aborted) break;
      if (this.#running.has(job.id) || !(await this.#isDue(job)) || (await this.#isLocked(job))) continue;
      this.#start(job);
      started.push(job.id);
    }
    return started;
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** Aborts what runs: jobs commit what they have, release their drives and record their end. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.idle();
  }

  /** A file with mistakes is told of once and looked at again in a minute; what runs is not disturbed. */
  async #jobs(): Promise<JobConfig[]> {
    try {
      const jobs = await listJobConfigs(this.#installation);
      if (this.#forget('configuration')) this.#log.info('the jobs can be read again');
      return jobs;
    } catch (error) {
      this.#warnOnce('configuration', `no job is started: ${toFerriteError(error).message}`);
      return [];
    }
  }

  async #isDue({ id, schedule }: JobConfig): Promise<boolean> {
    if (schedule === undefined) return false;
    try {
      const time = this.#installation.clock();
      const reference = referenceTime(await readJobState(this.#installation, id), time);
      this.#checkClock(id, reference, time);
      const due = nextEvent(parseCalendarEvent(schedule), reference, this.#installation.zone);
      this.#forget(`due ${id}`);
      return due !== undefined && due <= time;
    } catch (error) {
      this.#warnOnce(`due ${id}`, `job '${id}' is not started: ${toFerriteError(error).message}`);
      return false;
    }
  }

  #checkClock(id: string, reference: number, time: number): void {
    const key = `clock ${id}`;
    if (reference <= time + CLOCK_TOLERANCE_SECONDS) this.#forget(key);
    else {
      const last = new Date(reference * 1000).toISOString();
      const message = `job '${id}' ran last at ${last}, which is in the future: the clock was set back; until it is right, the job does not run by itself`;
      this.#warnOnce(key, message);
    }
  }

  /** Whether somebody else runs the job, or changes it: then it is looked at again in a minute. */
  async #isLocked({ id }: JobConfig): Promise<boolean> {
    try {
      const lock = await lockJob(this.#installation, id, 0);
      lock.release();
      return false;
    } catch (error) {
      if (!isLockTimeout(error)) this.#warnOnce(`due ${id}`, toFerriteError(error).message);
      return true;
    }
  }

  #start(job: JobConfig): void {
    this.#log.info(`job '${job.id}' is due (${job.schedule}): started`);
    const run = this.#run(job).finally(() => this.#running.delete(job.id));
    this.#running.set(job.id, run);
  }

  async #run(job: JobConfig): Promise<void> {
    try {
      const { status, error, upid } = await this.#runJob(job, this.#abort.signal);
      const say = error ? this.#log.warn : this.#log.info;
      say.call(this.#log, `job '${job.id}' ended: ${status} (${upid})`);
    } catch (error) {
      this.#log.warn(`job '${job.id}' could not be started: ${toFerriteError(error).message}`);
    }
  }

  #warnOnce(about: string, message: string): void {
    if (this.#said.get(about) === message) return;
    this.#said.set(about, message);
    this.#log.warn(message);
  }

  #forget(about: string): boolean {
    return this.#said.delete(about);
  }
}
