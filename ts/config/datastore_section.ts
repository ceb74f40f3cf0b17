/** Sections of datastore.cfg. PBS owns the file and may be newer: what does not parse here is kept, not refused. */
import Type from 'typebox';
import { parseCalendarEvent } from '../time/calendar_event.ts';
import { comment, datastoreName, userId } from './identifiers.ts';
import { notificationMode } from './job_section.ts';
import type { SectionOf, SectionType } from './section_types.ts';
import { textAccepted } from './value_text.ts';

const schedule = (description: string) =>
  Type.Optional(textAccepted(parseCalendarEvent, { typeText: '<calendar-event>', description }));
const keep = (unit: string) =>
  Type.Optional(Type.Integer({ minimum: 1, description: `Number of ${unit} backups to keep.` }));

/** A property string that Ferrite reads in parts or not at all. */
const propertyString = (description: string) => Type.Optional(Type.String({ description }));

export const datastoreSection = {
  type: 'datastore',
  idProperty: 'name',
  tolerant: true,
  schema: Type.Object({
    name: datastoreName,
    path: Type.String({ minLength: 1, maxLength: 4096, description: 'Directory path' }),
    comment: Type.Optional(comment),
    'gc-schedule': schedule('Run garbage collection job at specified schedule.'),
    'prune-schedule': schedule('Run prune job at specified schedule.'),
    'keep-last': keep('last'),
    'keep-hourly': keep('hourly'),
    'keep-daily': keep('daily'),
    'keep-weekly': keep('weekly'),
    'keep-monthly': keep('monthly'),
    'keep-yearly': keep('yearly'),
    'verify-new': Type.Optional(Type.Boolean({ description: 'Verify new backups right after completion.' })),
    'notify-user': Type.Optional(userId),
    notify: propertyString('Datastore notification setting'),
    'notification-mode': Type.Optional(notificationMode),
    'notification-thresholds': propertyString('Thresholds of notifications.'),
    'counter-reset-schedule': schedule('When counters start anew.'),
    tuning: propertyString('Datastore tuning options'),
    'maintenance-mode': propertyString('Maintenance mode, type and message'),
    'backing-device': Type.Optional(Type.String({ description: 'UUID of the file system of a removable datastore.' })),
    'gc-on-unmount': Type.Optional(Type.Boolean({ description: 'Run garbage collection before unmounting.' })),
    backend: propertyString('Where the data really lies: `type=s3` is not usable for tape.'),
  }),
} satisfies SectionType;

export const datastoreSectionTypes = [datastoreSection] as const;
export type DatastoreConfig = SectionOf<typeof datastoreSection>;
