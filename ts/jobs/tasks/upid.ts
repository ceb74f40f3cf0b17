/**
 * Task ids as PBS writes them (behaviour.md section 20):
 * `UPID:<node>:<pid>:<pstart>:<task>:<start>:<type>:<id>:<user>:`, numbers in upper-case hex of at least 8 digits.
 */
import { escapeUnitName } from '../../config/paths.ts';

export interface Upid {
  node: string;
  pid: number;
  /** Start of the process in clock ticks since boot (field 22 of /proc/<pid>/stat). */
  processStart: number;
  /** Number of the task within its process. */
  task: number;
  /** Epoch seconds. */
  startTime: number;
  type: string;
  /** What the task works on: `store1:daily:drive0`; may be empty. */
  id: string;
  user: string;
}

const hex8 = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0');

/** Inverse of `escapeUnitName`; a broken escape is kept as it stands. */
export function unescapeId(escaped: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < escaped.length; at++) {
    const hex = /^\\x([0-9a-f]{2})/.exec(escaped.slice(at, at + 4));
    if (hex) {
      bytes.push(Number.parseInt(hex[1] ?? '', 16));
      at += 3;
    } else if (escaped[at] === '-') {
      bytes.push(0x2f);
    } else {
      bytes.push(...Buffer.from(escaped[at] ?? '', 'utf8'));
    }
  }
  return Buffer.from(bytes).toString('utf8');
}

export function printUpid(upid: Upid): string {
  const numbers = [upid.pid, upid.processStart, upid.task, upid.startTime].map(hex8).join(':');
  return `UPID:${upid.node}:${numbers}:${upid.type}:${escapeUnitName(upid.id)}:${upid.user}:`;
}

/** `undefined` where the text is no task id. */
export function parseUpid(text: string): Upid | undefined {
  const match =
    /^UPID:([A-Za-z0-9][A-Za-z0-9-.]*):([0-9A-F]{8}):([0-9A-F]{8,9}):([0-9A-F]{8,16}):([0-9A-F]{8}):([^:\s]+):([^:\s]*):([^:\s]+):$/.exec(
      text,
    );
  if (!match) return undefined;
  const [, node = '', pid = '', processStart = '', task = '', startTime = '', type = '', id = '', user = ''] = match;
  const number = (hex: string): number => Number.parseInt(hex, 16);
  return {
    node,
    pid: number(pid),
    processStart: number(processStart),
    task: number(task),
    startTime: number(startTime),
    type,
    id: unescapeId(id),
    user,
  };
}
