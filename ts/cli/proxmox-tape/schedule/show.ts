import Type from 'typebox';
import { calendarEvent } from '../../../config/job_section.ts';
import type { ScheduledRun } from '../../../jobs/schedule/next_runs.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { optional } from '../../grammar/parameter.ts';
import { outputFormat } from '../../parameters.ts';
import { epoch } from '../../report/renderers.ts';
import type { Column, Report } from '../../report/report.ts';

const nextRun: Column<'next-run'> = { name: 'next-run', render: epoch };
const jobs = table<ScheduledRun>(
  [
    nextRun,
    { name: 'id' },
    { name: 'schedule' },
    { name: 'last-run-endtime', render: epoch },
    { name: 'last-run-state' },
  ],
  { sortBy: [] },
);
const times = table<ScheduledRun>([nextRun], { sortBy: [] });
/** Times of an event given by hand have no job and no past. */
const output = {
  ...jobs,
  show: (report: Report, runs: readonly ScheduledRun[]) =>
    (runs.length > 0 && runs.every(({ id }) => id === undefined) ? times : jobs).show(report, runs),
};

export default defineCommand({
  summary: 'Show when backup jobs run next, or when a calendar event is due.',
  details:
    'Without an event: the next run of every job that has a schedule, soonest first; runs that were missed are due ' +
    'now. With one: its next ten times. Jobs run by themselves while the service is on: see the command daemon.',
  examples: [
    ['schedule show', 'The next run of each job:'],
    ["schedule show 'mon..fri 22:30'", 'Ten times of a calendar event:'],
  ],
  positionals: { event: optional(calendarEvent, { description: 'Calendar event.' }) },
  options: {
    count: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'How many runs to show of each; by default one run of a job, ten times of an event.',
      }),
    ),
    'output-format': outputFormat,
  },
  output,
  async run({ event, count }, { installation, report }) {
    const { upcomingRuns, upcomingTimes } = await import('../../../jobs/schedule/next_runs.ts');
    if (event === undefined) return upcomingRuns(installation, count ?? 1);
    const times = upcomingTimes(installation, event, count ?? 10);
    if (times.length === 0) report.info(`'${event}' does not come again`);
    return times;
  },
});
