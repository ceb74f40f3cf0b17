/**
 * The one place that prints. Commands hand over values, tasks hand over lines and progress; the report knows the streams,
 * the output format and whether a terminal is at the other end, and it keeps the exit code.
 *
 * Results go to stdout; warnings, device information, errors and progress to stderr. A reader of stdout that goes away
 * (`| head`) must not kill a task that is writing to tape, so output errors are remembered, not thrown.
 */
import { type FerriteError, toFerriteError } from '../../errors.ts';
import type { TaskObserver, TaskOutcome, WorkLog } from '../../log.ts';
import { EXIT_CODES, exitCodeOf } from '../grammar/exit_codes.ts';
import { visible } from './display_width.ts';
import { Interrupts, type SignalSource } from './interrupts.ts';
import { type Kebab, printJson, toWire } from './json.ts';
import { type Progress, progressJson, StatusLine } from './progress.ts';
import type { ReportSettings } from './settings.ts';
import type { Stream } from './stream.ts';
import { type Column, listTable, type Row, recordTable, sortRows, type TableStyle } from './table.ts';

export type { Column } from './table.ts';

/** Names of a value's properties as JSON and tables have them. */
export type ColumnName<Value> = Kebab<Extract<keyof Value, string>>;

export interface TableOptions<Name extends string> {
  /** First column ascending where not given; an empty list keeps the order of the rows. */
  readonly sortBy?: readonly Name[];
}

export interface ReportStreams {
  readonly stdout: Stream;
  readonly stderr: Stream;
}

export class Report {
  exitCode: number = EXIT_CODES.success.code;
  readonly #streams: ReportStreams;
  readonly #signals: SignalSource;
  readonly #statusLine: StatusLine;
  #settings: ReportSettings;
  #readerGone = false;

  constructor(streams: ReportStreams, settings: ReportSettings, signals: SignalSource) {
    this.#streams = streams;
    this.#settings = settings;
    this.#signals = signals;
    this.#statusLine = new StatusLine(streams.stderr);
  }

  /** Replaces the settings once the options of the command line are known. */
  configure(settings: Partial<ReportSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
  }

  get isText(): boolean {
    return this.#settings.format === 'text';
  }

  /** Whether a person watches. */
  get isTerminal(): boolean {
    return this.#streams.stderr.isTTY === true;
  }

  /** stdout was closed by its reader; what is printed from now on is dropped. A running task goes on. */
  readerWentAway(): void {
    this.#readerGone = true;
    if (this.exitCode === EXIT_CODES.success.code) this.exitCode = EXIT_CODES.brokenPipe.code;
  }

  // ------------------------------------------------------------ results

  table<Value extends object>(
    values: readonly Value[],
    columns: readonly Column<ColumnName<Value>>[],
    options: TableOptions<ColumnName<Value>> = {},
  ): void {
    const rows = toWire(values) as readonly Row[];
    if (!this.isText) {
      this.#json(rows);
      return;
    }
    const keys = options.sortBy ?? columns.slice(0, 1).map(({ name }) => name);
    this.lines(listTable(sortRows(rows, columns, keys), columns, this.#tableStyle()), 'drawn');
  }

  record<Value extends object>(value: Value, columns: readonly Column<ColumnName<Value>>[]): void {
    const row = toWire(value) as Row;
    if (this.isText) this.lines(recordTable(row, columns, this.#tableStyle()), 'drawn');
    else this.#json(row);
  }

  /** Lines for a person, the value itself in the JSON formats. */
  text<Value>(value: Value, lines: (value: Value) => readonly string[]): void {
    if (this.isText) this.lines(lines(value));
    else this.#json(toWire(value));
  }

  lines(lines: readonly string[], content: 'plain' | 'drawn' = 'plain'): void {
    if (lines.length > 0) this.#out(lines.map((line) => (content === 'plain' ? visible(line) : line)).join('\n'));
  }

  /** A value printed as JSON whatever the format: the fingerprint of a new key. */
  json(value: unknown): void {
    this.#json(value);
  }

  // ------------------------------------------------------------ messages

  /** Facts about devices and the like, which are not part of the result. */
  info(message: string): void {
    this.#err(visible(message));
  }

  warn(message: string): void {
    if (this.#settings.progress === 'json') this.#err(progressJson({ kind: 'warning', text: message }));
    else this.#err(`Warning: ${visible(message)}`);
  }

  /** Prints the error and sets the exit code. Programmer errors come with their stack. */
  fail(thrown: unknown): void {
    const error = toFerriteError(thrown);
    if (this.#settings.progress === 'json') {
      this.#err(progressJson({ kind: 'error', code: error.code, text: error.message }));
    } else {
      this.#err(`Error: ${visible(error.message)}`);
      if (error.code === 'internal' && error.cause instanceof Error) this.#err(visible(error.cause.stack ?? ''));
    }
    this.exitCode = exitCodeOf(error);
  }

  /** The error as the answer of a device: `{"Err":"..."}` in the JSON formats, with the exit code of any failure (D22). */
  failedAnswer(error: FerriteError): void {
    if (this.isText) {
      this.fail(error);
      return;
    }
    this.#json({ Err: error.message });
    this.exitCode = exitCodeOf(error);
  }

  /** Usage of a command line that was wrong. */
  usage(lines: readonly string[]): void {
    if (this.#settings.progress !== 'json') this.#err(lines.join('\n'));
  }

  // ------------------------------------------------------------ work and tasks

  /**
   * Follows work that is no task: what it says goes to stderr, because its value is the result. Signals are as for tasks.
   */
  async work<Value>(run: (log: WorkLog) => Promise<Value>): Promise<Value> {
    return this.#interruptible(async (signal) => {
      const log: WorkLog = {
        signal,
        info: (line) => this.info(line),
        warn: (line) => this.warn(line),
        progress: (event) => this.#progress({ kind: 'progress', ...event }),
      };
      return run(log);
    });
  }

  /**
   * Follows a task to its end (D21). Text: its log lines. JSON: one line with the task id and how it ended. The first
   * Ctrl-C aborts the task, which finishes the command in flight and commits; the second ends the process.
   */
  async task<Value>(run: (observer: TaskObserver) => Promise<TaskOutcome<Value>>): Promise<Value | undefined> {
    return this.#interruptible(async (signal, interrupts) => {
      const outcome = await run(this.#observer(signal));
      this.#statusLine.remove();
      this.#reportOutcome(outcome);
      if (outcome.error) {
        this.fail(outcome.error);
        if (outcome.error.kind === 'aborted') this.exitCode = interrupts.exitCode;
      }
      return outcome.value;
    });
  }

  async #interruptible<Value>(run: (signal: AbortSignal, interrupts: Interrupts) => Promise<Value>): Promise<Value> {
    const interrupts = new Interrupts(this.#signals, () =>
      this.info('abort requested: finishing the command in flight (again to exit at once, without committing)'),
    );
    try {
      return await run(interrupts.signal, interrupts);
    } finally {
      this.#statusLine.remove();
      interrupts.release();
    }
  }

  #observer(signal: AbortSignal): TaskObserver {
    return {
      signal,
      started: (upid) => this.#progress({ kind: 'started', upid }),
      line: (level, text) => {
        if (this.isText) this.lines([level === 'warn' ? `WARN: ${text}` : text]);
        else if (level === 'warn') this.warn(text);
      },
      progress: (event) => this.#progress({ kind: 'progress', ...event }),
    };
  }

  #progress(progress: Progress): void {
    if (this.#settings.progress === 'json') this.#err(progressJson(progress));
    else if (this.#settings.progress === 'auto' && progress.kind === 'progress') this.#statusLine.show(progress);
  }

  #reportOutcome({ upid, status }: TaskOutcome<unknown>): void {
    this.#progress({ kind: 'ended', upid, status });
    if (!this.isText) this.#json({ upid, status });
  }

  // ------------------------------------------------------------ streams

  #tableStyle(): TableStyle {
    const { stdout } = this.#streams;
    return { ...this.#settings.table, columns: stdout.isTTY ? stdout.columns : undefined };
  }

  #json(value: unknown): void {
    this.#out(printJson(value, this.#settings.keyOrder, this.#settings.format === 'json-pretty'));
  }

  #out(text: string): void {
    this.#statusLine.remove();
    if (!this.#readerGone) this.#streams.stdout.write(`${text}\n`);
  }

  #err(text: string): void {
    this.#statusLine.remove();
    this.#streams.stderr.write(`${text}\n`);
  }
}
