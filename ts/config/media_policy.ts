/** When a pool starts a new media set (allocation) and how long it keeps the data (retention). */
import { FerriteError } from '../errors.ts';
import { type CalendarEvent, nextEvent, parseCalendarEvent, parseCalendarEventInput } from '../time/calendar_event.ts';
import { parseTimeSpan, type TimeSpan } from '../time/time_span.ts';

export type AllocationPolicy = { kind: 'continue' } | { kind: 'always' } | { kind: 'event'; event: CalendarEvent };

export type RetentionPolicy = { kind: 'overwrite' } | { kind: 'keep' } | { kind: 'span'; span: TimeSpan };

export const DEFAULT_ALLOCATION = 'continue';
export const DEFAULT_RETENTION = 'keep';

/** Throws a FerriteError (`usage`, `bad-allocation`) for what is neither keyword nor calendar event. */
export function parseAllocation(text: string, parseEvent = parseCalendarEvent): AllocationPolicy {
  if (text === 'continue' || text === 'always') return { kind: text };
  try {
    return { kind: 'event', event: parseEvent(text) };
  } catch (error) {
    throw notUnderstood('bad-allocation', `'${text}' is neither continue nor always nor a calendar event`, error);
  }
}

/** As `parseAllocation`, for what a user gives now: events that do not mean what they look like are refused. */
export function parseAllocationInput(text: string): AllocationPolicy {
  return parseAllocation(text, parseCalendarEventInput);
}

/** Throws a FerriteError (`usage`, `bad-retention`) for what is neither keyword nor time span. */
export function parseRetention(text: string): RetentionPolicy {
  if (text === 'overwrite' || text === 'keep') return { kind: text };
  try {
    return { kind: 'span', span: parseTimeSpan(text) };
  } catch (error) {
    throw notUnderstood('bad-retention', `'${text}' is neither overwrite nor keep nor a time span`, error);
  }
}

function notUnderstood(code: string, message: string, cause: unknown): FerriteError {
  return new FerriteError('usage', code, `${message} (${(cause as Error).message})`, { cause });
}

/** How many gaps between events are looked at: covers months and leap years of the usual rotations. */
const SAMPLED_EVENTS = 16;

/**
 * How many media sets a pool has in use before the first may be overwritten, when each event starts one: those that
 * retention covers and the one before, because retention begins only when the next set does (D2). Undefined where no
 * event or no span decides.
 */
export function setsInRotation(
  allocation: AllocationPolicy,
  retention: RetentionPolicy,
  now: number,
  zone: string,
): { covering: number; needed: number } | undefined {
  if (allocation.kind !== 'event' || retention.kind !== 'span') return undefined;
  let shortest = Number.POSITIVE_INFINITY;
  let last = nextEvent(allocation.event, now, zone);
  for (let count = 0; count < SAMPLED_EVENTS && last !== undefined; count++) {
    const next = nextEvent(allocation.event, last, zone);
    if (next !== undefined) shortest = Math.min(shortest, next - last);
    last = next;
  }
  if (!Number.isFinite(shortest)) return undefined;
  const covering = Math.ceil(retention.span.wholeSeconds / shortest);
  return { covering, needed: covering + 1 };
}
