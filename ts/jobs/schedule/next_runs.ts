/** When jobs run next: by their schedules and what is known about their last runs. */
import type { Installation } from '../../config/installation.ts';
import { listJobConfigs } from '../../config/jobs.ts';
import { nextEvent, parseCalendarEvent, parseCalendarEventInput } from '../../time/calendar_event.ts';
import { describeTaskState, taskEndTime } from '../tasks/task_log.ts';
import { type JobState, lastRun, readJobState, referenceTime } from './job_state.ts';

/** One run of a job to come, or one time of a calendar event. Times in epoch seconds. */
export interface ScheduledRun {
  /** The job; absent for an event that was given by hand. */
  id?: string;
  schedule: string;
  /** Absent: never again. */
  nextRun?: number;
  /** `OK`, `WARNINGS: n`, an error, `running` or `unknown`; absent: the job has not run yet. */
  lastRunState?: string;
  lastRunEndtime?: number;
}

/** The next `count` times of a calendar event after `from`; fewer where it ends. */
export function timesOf(event: string, from: number, count: number, zone: string): number[] {
  const parsed = parseCalendarEvent(event);
  const times: number[] = [];
  for (let time: number | undefined = from; times.length < count; ) {
    time = nextEvent(parsed, time, zone);
    if (time === undefined) break;
    times.push(time);
  }
  return times;
}

/** The next times of a calendar event that a user gives. */
export function upcomingTimes(installation: Installation, event: string, count: number): ScheduledRun[] {
  parseCalendarEventInput(event);
  const times = timesOf(event, installation.clock(), count, installation.zone);
  return times.map((nextRun) => ({ schedule: event, nextRun }));
}

/**
 * The next runs of all jobs that have a schedule, soonest first; those that were missed are due now. A job whose schedule
 * has come to an end is listed without a time.
 */
export async function upcomingRuns(installation: Installation, count = 1): Promise<ScheduledRun[]> {
  const runs: ScheduledRun[] = [];
  for (const { id, schedule } of await listJobConfigs(installation)) {
    if (schedule === undefined) continue;
    const state = await readJobState(installation, id);
    const last = await lastRunColumns(installation, state);
    const times = dueTimes(installation, state, schedule, count);
    if (times.length === 0) runs.push({ id, schedule, ...last });
    for (const nextRun of times) runs.push({ id, schedule, nextRun, ...last });
  }
  return runs.sort(
    (a, b) => (a.nextRun ?? Infinity) - (b.nextRun ?? Infinity) || ((a.id ?? '') < (b.id ?? '') ? -1 : 1),
  );
}

function dueTimes(installation: Installation, state: JobState | undefined, schedule: string, count: number): number[] {
  const time = installation.clock();
  const [first] = timesOf(schedule, referenceTime(state, time), 1, installation.zone);
  if (first === undefined) return [];
  // However many events were missed, they make one run.
  const due = Math.max(first, Math.floor(time));
  return [due, ...timesOf(schedule, due, count - 1, installation.zone)];
}

async function lastRunColumns(
  installation: Installation,
  state: JobState | undefined,
): Promise<Pick<ScheduledRun, 'lastRunState' | 'lastRunEndtime'>> {
  const last = await lastRun(installation, state);
  if (!last) return {};
  if (!last.state) return { lastRunState: 'running' };
  return { lastRunState: describeTaskState(last.state), lastRunEndtime: taskEndTime(last.state) };
}
