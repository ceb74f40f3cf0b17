/** Sections of tape-job.cfg. */
import Type from 'typebox';
import { parseCalendarEvent } from '../time/calendar_event.ts';
import { GROUP_FILTER_PATTERN } from './group_filter.ts';
import {
  comment,
  datastoreName,
  driveName,
  jobId,
  maxNamespaceDepth,
  namespace,
  poolName,
  userId,
} from './identifiers.ts';
import type { SectionOf, SectionType } from './section_types.ts';
import { textAccepted } from './value_text.ts';

/** The form; whether a regular expression is one is checked in Rust. */
export const groupFilter = Type.String({
  pattern: GROUP_FILTER_PATTERN,
  patternHint: '[include:|exclude:] and type:<vm|ct|host>, group:<type>/<id> or regex:<expression>',
  description: 'Group filter.',
});

export const NOTIFICATION_MODES = ['legacy-sendmail', 'notification-system'] as const;
/** What a job without the property does; versions of PBS disagree, so it is always written (since-3.2.4.md F24). */
export const DEFAULT_NOTIFICATION_MODE = 'legacy-sendmail';

export const notificationMode = Type.Enum([...NOTIFICATION_MODES], {
  description: 'How results and requests are sent to people.',
});

export const calendarEvent = textAccepted(parseCalendarEvent, {
  typeText: '<calendar-event>',
  description: 'Run sync job at specified schedule.',
});

export const workerThreads = Type.Integer({
  minimum: 1,
  maximum: 32,
  description: 'Threads that read chunks from the datastore.',
});

export const jobSection = {
  type: 'backup',
  idProperty: 'id',
  schema: Type.Object({
    id: jobId,
    store: datastoreName,
    pool: poolName,
    drive: driveName,
    'eject-media': Type.Optional(Type.Boolean({ description: 'Eject media upon job completion.' })),
    'export-media-set': Type.Optional(Type.Boolean({ description: 'Export media set upon job completion.' })),
    'latest-only': Type.Optional(Type.Boolean({ description: 'Backup latest snapshots only.' })),
    'notify-user': Type.Optional(userId),
    'notification-mode': Type.Optional(notificationMode),
    'group-filter': Type.Optional(Type.Array(groupFilter)),
    ns: Type.Optional(namespace),
    'max-depth': Type.Optional(maxNamespaceDepth),
    'worker-threads': Type.Optional(workerThreads),
    comment: Type.Optional(comment),
    schedule: Type.Optional(calendarEvent),
  }),
} satisfies SectionType;

export const jobSectionTypes = [jobSection] as const;
export type JobConfig = SectionOf<typeof jobSection>;
