/** Where long-running work reports to. Implemented by tasks (jobs/tasks) and, in tests, by arrays. */
export interface WorkLog {
  /** One fact per line; no time stamp, no newline. */
  info(line: string): void;
  /** Counted: the task ends with warnings. */
  warn(line: string): void;
  /** Coalesced by the producer to at most ten a second. */
  progress(event: ProgressEvent): void;
  /** Aborted by Ctrl-C or by the caller. */
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
