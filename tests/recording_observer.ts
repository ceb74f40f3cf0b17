/** An observer that remembers what a task told. */
import type { TaskObserver, TaskOutcome, WorkLog } from '../ts/log.ts';

export class RecordingObserver implements TaskObserver, WorkLog {
  readonly lines: string[] = [];
  readonly warnings: string[] = [];
  readonly upids: string[] = [];
  readonly abort: AbortController = new AbortController();
  readonly #actions: { pattern: RegExp; act: () => void }[] = [];

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  started(upid: string): void {
    this.upids.push(upid);
  }

  line(level: 'info' | 'warn' | 'error', text: string): void {
    this.lines.push(text);
    if (level === 'warn') this.warnings.push(text);
    const [due] = this.#actions;
    if (!due?.pattern.test(text)) return;
    this.#actions.shift();
    due.act();
  }

  /** Does something when a line matches, in the middle of the task; of several actions one after the other. */
  when(pattern: RegExp, act: () => void): this {
    this.#actions.push({ pattern, act });
    return this;
  }

  info(line: string): void {
    this.line('info', line);
  }

  warn(line: string): void {
    this.line('warn', line);
  }

  progress(): void {}
}

/** The value of a task that went well; throws the task's error otherwise. */
export async function settled<T>(outcome: Promise<TaskOutcome<T>>): Promise<T> {
  const { error, value } = await outcome;
  if (error) throw error;
  return value as T;
}
