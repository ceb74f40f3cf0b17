/** Backup jobs: what `proxmox-tape backup-job` does to tape-job.cfg. */
import { FerriteError } from '../errors.ts';
import { parseCalendarEventInput } from '../time/calendar_event.ts';
import { readConfig, updateConfig } from './config_file.ts';
import { datastoreConfig } from './datastores.ts';
import { driveConfig } from './drives.ts';
import { parseGroupFilter, printGroupFilter } from './group_filter.ts';
import type { Installation } from './installation.ts';
import { DEFAULT_NOTIFICATION_MODE, type JobConfig, jobSection, jobSectionTypes } from './job_section.ts';
import { poolConfig } from './pools.ts';
import { checkSection } from './section_types.ts';
import { applyChanges, type Changes, type UpdateOptions, withTrimmedComment } from './section_update.ts';

const FILE = 'tape-job.cfg';

export const deletableJobProperties = [
  'comment',
  'schedule',
  'eject-media',
  'export-media-set',
  'latest-only',
  'notify-user',
  'notification-mode',
  'group-filter',
  'ns',
  'max-depth',
  'worker-threads',
] as const;
export type DeletableJobProperty = (typeof deletableJobProperties)[number];
export type JobChanges = Changes<Omit<JobConfig, 'id'>>;

/** All jobs, sorted by id. */
export async function listJobConfigs(installation: Installation): Promise<JobConfig[]> {
  const document = await readConfig(installation, FILE, jobSectionTypes);
  return document.list(jobSection).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** One job; a FerriteError (`usage`, `unknown-job`) where there is none of that id. */
export async function jobConfig(installation: Installation, id: string): Promise<JobConfig> {
  const document = await readConfig(installation, FILE, jobSectionTypes);
  return document.get(jobSection, id) ?? unknownJob(id);
}

function unknownJob(id: string): never {
  const message = `backup job '${id}' does not exist: see 'proxmox-tape backup-job list'`;
  throw new FerriteError('usage', 'unknown-job', message);
}

/** Tells whether a regular expression is one; throws otherwise. */
export type CheckRegex = (expression: string) => void | Promise<void>;

export async function addJobConfig(
  installation: Installation,
  job: JobConfig,
  checkRegex: CheckRegex,
): Promise<JobConfig> {
  const checked = await checkJob(installation, withTrimmedComment(job), checkRegex);
  const section = { ...checked, 'notification-mode': checked['notification-mode'] ?? DEFAULT_NOTIFICATION_MODE };
  await updateConfig(installation, FILE, jobSectionTypes, (document) => document.add(jobSection, section));
  return section;
}

/** The job before and after the change. */
export async function changeJobConfig(
  installation: Installation,
  id: string,
  changes: JobChanges,
  options: UpdateOptions<DeletableJobProperty>,
  checkRegex: CheckRegex,
): Promise<{ before: JobConfig; after: JobConfig }> {
  return updateConfig(
    installation,
    FILE,
    jobSectionTypes,
    async (document) => {
      const before = document.get(jobSection, id) ?? unknownJob(id);
      const deleted = options.delete ?? [];
      const value = applyChanges<JobConfig>(before, changes, deleted, deletableJobProperties);
      if (deleted.includes('notification-mode')) value['notification-mode'] ??= DEFAULT_NOTIFICATION_MODE;
      const after = await checkJob(installation, value, checkRegex, before);
      document.replace(jobSection, after);
      return { before, after };
    },
    options.digest,
  );
}

export async function removeJobConfig(installation: Installation, id: string, digest?: string): Promise<void> {
  await updateConfig(
    installation,
    FILE,
    jobSectionTypes,
    (document) => {
      if (!document.get(jobSection, id)) unknownJob(id);
      document.remove(id);
    },
    digest,
  );
}

/** What stands in the file already is not questioned again: a job stays editable when its pool is gone. */
async function checkJob(
  installation: Installation,
  job: JobConfig,
  checkRegex: CheckRegex,
  before?: JobConfig,
): Promise<JobConfig> {
  const checked = checkSection(jobSection, job);
  if (checked.store !== before?.store) await datastoreConfig(installation, checked.store);
  if (checked.pool !== before?.pool) await poolConfig(installation, checked.pool);
  if (checked.drive !== before?.drive) await driveConfig(installation, checked.drive);
  if (checked.schedule !== undefined && checked.schedule !== before?.schedule) {
    parseCalendarEventInput(checked.schedule);
  }
  const filters = checked['group-filter']?.map(parseGroupFilter);
  for (const { by, value } of filters ?? []) if (by === 'regex') await checkRegex(value);
  return { ...checked, ...(filters && { 'group-filter': filters.map(printGroupFilter) }) };
}
