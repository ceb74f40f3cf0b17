/** What the demonstration says on the terminal: steps, the commands that do the same by hand, logs and progress. */
import type { ProgressEvent, TaskObserver, TaskOutcome, WorkLog } from '../../ts/log.ts';

const { stdout } = process;

export class Narrator implements TaskObserver, WorkLog {
  readonly #abort: AbortController = new AbortController();
  #step = 0;
  #statusShown = false;

  constructor() {
    process.once('SIGINT', () => this.#abort.abort());
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** A step, and the command that does it. */
  step(title: string, ...commands: string[]): void {
    this.#print(`\n${++this.#step}. ${title}`);
    for (const command of commands) this.#print(`   $ npx proxmox-tape ${command}`);
  }

  say(text: string): void {
    this.#print(`   ${text}`);
  }

  /** Runs a task to its end; its error ends the demonstration. */
  async task<T>(run: (observer: TaskObserver) => Promise<TaskOutcome<T>>): Promise<T> {
    const { error, value } = await run(this);
    this.#clearStatus();
    if (error) throw error;
    return value as T;
  }

  started(): void {}

  line(level: 'info' | 'warn' | 'error', text: string): void {
    this.#print(`   ${level === 'info' ? '' : `${level}: `}${text}`);
  }

  info(line: string): void {
    this.line('info', line);
  }

  warn(line: string): void {
    this.line('warn', line);
  }

  progress({ activity, doneBytes, fraction }: ProgressEvent): void {
    if (!stdout.isTTY) return;
    const done = doneBytes === undefined ? '' : ` ${(doneBytes / 1e6).toFixed(0)} MB`;
    const share = fraction === undefined ? '' : ` ${(100 * fraction).toFixed(0)} %`;
    this.#clearStatus();
    stdout.write(`   ... ${activity}${done}${share}`.slice(0, stdout.columns - 1));
    this.#statusShown = true;
  }

  #clearStatus(): void {
    if (this.#statusShown) stdout.write('\r\x1b[2K');
    this.#statusShown = false;
  }

  #print(text: string): void {
    this.#clearStatus();
    stdout.write(`${text}\n`);
  }
}
