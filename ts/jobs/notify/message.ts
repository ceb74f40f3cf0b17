/** What people are told, in words: requests to the operator, and how jobs ended. Pure; delivery is elsewhere. */
import type { OperatorRequest } from '../../library/operator.ts';
import { formatTimeSpan } from '../../time/time_span.ts';

export type MessageEvent = 'request' | 'success' | 'warning' | 'failure';

export interface Message {
  readonly event: MessageEvent;
  /** PBS's kinds: `tape-load` is a request, `tape-backup` and `tape-restore` are results. */
  readonly type: string;
  /** One line. */
  readonly title: string;
  readonly text: string;
  /** For programs: hostname, datastore, media-pool, job-id and the like. */
  readonly fields: Readonly<Record<string, string>>;
}

/** The job that speaks. */
export interface JobContext {
  readonly kind: 'backup' | 'restore';
  /** Id in tape-job.cfg; absent: started by hand. */
  readonly jobId?: string | undefined;
  /** Datastore, or what a restore writes to. */
  readonly store: string;
  readonly pool?: string | undefined;
  readonly drive: string;
  readonly hostname: string;
}

/** How a job ended. */
export interface JobResult {
  readonly upid: string;
  readonly seconds: number;
  readonly warnings: readonly string[];
  /** Text of the error, all its lines; absent: it went well. */
  readonly error?: string;
  readonly mediaSetUuid?: string;
  readonly snapshots: readonly string[];
  readonly tapes: readonly string[];
}

function fieldsOf({ hostname, store, pool, jobId }: JobContext): Record<string, string> {
  return { hostname, datastore: store, ...(pool && { 'media-pool': pool }), ...(jobId && { 'job-id': jobId }) };
}

function jobName({ kind, jobId, store, pool }: JobContext): string {
  if (kind === 'restore') return `restore to datastore '${store}'`;
  return jobId ? `backup job '${jobId}'` : `backup of datastore '${store}' to pool '${pool}'`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `name   value`, aligned; what is absent has no line. */
function facts(values: Readonly<Record<string, string | undefined>>): string {
  const present = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const width = Math.max(...present.map(([name]) => name.length)) + 2;
  return present.map(([name, value]) => `${`${name}:`.padEnd(width)}${value}`).join('\n');
}

function list(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`${title}:\n${items.map((item) => `  ${item}`).join('\n')}`];
}

export function requestMessage(request: OperatorRequest, job: JobContext): Message {
  const base = { event: 'request', type: 'tape-load', fields: fieldsOf(job) } as const;
  switch (request.kind) {
    case 'insert-tape': {
      const { labelText, drive, changer, reason } = request;
      const place = changer === undefined ? `drive '${drive}'` : `library '${changer}'`;
      return {
        ...base,
        title: `Insert tape '${labelText}' into ${place}`,
        text: paragraphs(
          `${capital(jobName(job))} on ${job.hostname} waits for a tape.`,
          facts({ Tape: labelText, Library: changer, Drive: drive, Reason: reason }),
        ),
        fields: { ...base.fields, 'tape-label': labelText, 'tape-drive': drive },
      };
    }
    case 'clean-drive': {
      const { drive, changer, reason, advice } = request;
      return {
        ...base,
        title: `Drive '${drive}' needs cleaning`,
        text: paragraphs(
          `${capital(jobName(job))} on ${job.hostname} met a drive that asks for cleaning.`,
          facts({ Drive: drive, Library: changer, Reason: reason }),
          `What to do: ${advice}.`,
        ),
        fields: { ...base.fields, 'tape-drive': drive },
      };
    }
    case 'take-out': {
      const { changer, drive, tapes, mediaSetName, mediaSetUuid } = request;
      const place = changer === undefined ? `drive '${drive}'` : `library '${changer}'`;
      return {
        ...base,
        title: `Take ${tapes.length === 1 ? 'a tape' : `${tapes.length} tapes`} out of ${place}`,
        text: paragraphs(
          `${capital(jobName(job))} on ${job.hostname} put the tapes of a media set where they can be taken out.`,
          facts({ 'Media set': mediaSetName ?? mediaSetUuid, Library: changer, Drive: drive }),
          ...list(
            'Tapes',
            tapes.map(({ labelText, slot }) => (slot === undefined ? labelText : `${labelText} (slot ${slot})`)),
          ),
          "When they are in their vault: 'proxmox-tape media move <tape> --vault-name <vault>'.",
        ),
      };
    }
  }
}

const paragraphs = (...parts: string[]): string => `${parts.join('\n\n')}\n`;

export function resultMessage(result: JobResult, job: JobContext): Message {
  const { error, warnings } = result;
  const event = error !== undefined ? 'failure' : warnings.length > 0 ? 'warning' : 'success';
  const ending = {
    failure: `failed: ${error?.split('\n')[0] ?? ''}`,
    warning: `is done, with ${warnings.length === 1 ? 'a warning' : `${warnings.length} warnings`}`,
    success: 'is done',
  }[event];
  return {
    event,
    type: `tape-${job.kind}`,
    title: `${capital(jobName(job))} ${ending}`,
    text: paragraphs(
      ...(error === undefined ? [] : [`Error: ${error}`]),
      facts({
        Job: job.jobId,
        Host: job.hostname,
        Datastore: job.store,
        'Media pool': job.pool,
        Drive: job.drive,
        'Media set': result.mediaSetUuid,
        Duration: formatTimeSpan(Math.round(result.seconds)) || '0s',
      }),
      ...list('Warnings', warnings),
      ...list('Snapshots', result.snapshots),
      ...list('Tapes', result.tapes),
      `Task: ${result.upid}`,
    ),
    fields: fieldsOf(job),
  };
}

/** What `notification test` sends. */
export function testMessage(target: string, hostname: string): Message {
  return {
    event: 'success',
    type: 'test',
    title: `Test of notification target '${target}'`,
    text: `Messages about tapes and backup jobs on ${hostname} arrive here.\n`,
    fields: { hostname },
  };
}
