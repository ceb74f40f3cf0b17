/**
 * Signals while a task runs: the first one aborts the task, the second ends the process at once (D21). Outside of tasks
 * signals keep their default meaning.
 */
import { EXIT_CODES } from '../grammar/exit_codes.ts';

/** What of `process` is needed; tests hand in their own. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): void;
}

const CODES: readonly (readonly [NodeJS.Signals, number])[] = [
  ['SIGINT', EXIT_CODES.interrupted.code],
  ['SIGTERM', EXIT_CODES.terminated.code],
  ['SIGHUP', EXIT_CODES.hangup.code],
];

export class Interrupts {
  readonly #source: SignalSource;
  readonly #controller = new AbortController();
  readonly #listeners: (readonly [NodeJS.Signals, () => void])[];
  /** Of a task that ended because of the signal that came first; nobody but the user can abort one without a signal. */
  exitCode: number = EXIT_CODES.interrupted.code;

  constructor(source: SignalSource, notify: () => void) {
    this.#source = source;
    this.#listeners = CODES.map(([signal, code]) => [signal, () => this.#received(code, notify)]);
    for (const [signal, listener] of this.#listeners) source.on(signal, listener);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  release(): void {
    for (const [signal, listener] of this.#listeners) this.#source.off(signal, listener);
  }

  #received(code: number, notify: () => void): void {
    if (this.#controller.signal.aborted) {
      this.#source.exit(code);
      return;
    }
    this.exitCode = code;
    notify();
    this.#controller.abort();
  }
}
