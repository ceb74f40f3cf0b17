/**
 * How long-running work speaks to whoever asked for it. Work receives a `WorkLog`; a program that starts a task hands
 * in a `TaskObserver` and gets a `TaskOutcome` back. The command line's report and tests implement the observer.
 */
import type { FerriteError } from './errors.ts';

export interface WorkLog {
  /** One fact per line; no time stamp, no newline. */
  info(line: string): void;
  /** Counted: the task ends with warnings. */
  warn(line: string): void;
  /** Coalesced by the producer to at most ten a second. */
  progress(event: ProgressEvent): void;
  /** Aborted by Ctrl-C or by the caller; work stops at its next safe point. */
  readonly signal: AbortSignal;
}

export interface ProgressEvent {
  /** What is going on, for a person: `vm/100/2024-06-05T09:33:20Z`. */
  activity: string;
  doneBytes?: number;
  totalBytes?: number;
  bytesPerSecond?: number;
  /** 0..1 of the whole job, where known. */
  fraction?: number;
}

export interface TaskObserver {
  /** Called once, before the first line. */
  started(upid: string): void;
  line(level: 'info' | 'warn' | 'error', text: string): void;
  progress(event: ProgressEvent): void;
  readonly signal: AbortSignal;
}

/** What a task ended with. `value` is absent exactly when `error` is present. */
export interface TaskOutcome<T> {
  upid: string;
  /** `OK`, `WARNINGS: n` or the error's text, as in the last line of the task log. */
  status: string;
  warnings: number;
  value?: T;
  error?: FerriteError;
}
