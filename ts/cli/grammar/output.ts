/**
 * What a command prints, declared beside its parameters: the command returns a value, its output shows it. Column names
 * are the names of JSON properties; `header` differs only where the manual's table says something else (D4).
 */
import type { FerriteError } from '../../errors.ts';
import type { Column, ColumnName, Report, TableOptions } from '../report/report.ts';

export interface Output<Value> {
  readonly kind: 'nothing' | 'task' | 'table' | 'record' | 'text';
  /** Whether `--output-format` and `PROXMOX_OUTPUT_FORMAT` apply. */
  readonly formatted: boolean;
  readonly columns?: readonly Column<string>[];
  show(report: Report, value: Value): void;
  /** Prints an error of the command as part of its result; absent: errors are errors. */
  showFailure?(report: Report, error: FerriteError): void;
}

/** Success is silent. */
export const nothing: Output<void> = { kind: 'nothing', formatted: false, show: () => {} };

/** The command runs a task with `report.task`, which prints its log. */
export const taskLog: Output<unknown> = { kind: 'task', formatted: true, show: () => {} };

/** A list of objects. Sorted by the first column unless told otherwise. */
export function table<Row extends object>(
  columns: readonly Column<ColumnName<Row>>[],
  options: TableOptions<ColumnName<Row>> = {},
): Output<readonly Row[]> {
  return { kind: 'table', formatted: true, columns, show: (report, rows) => report.table(rows, columns, options) };
}

/** One object: a table of names and values. Absent values make no row. */
export function record<Value extends object>(columns: readonly Column<ColumnName<Value>>[]): Output<Value> {
  return { kind: 'record', formatted: true, columns, show: (report, value) => report.record(value, columns) };
}

/** Lines for a person; the value itself in the JSON formats. */
export function text<Value>(lines: (value: Value) => readonly string[]): Output<Value> {
  return { kind: 'text', formatted: true, show: (report, value) => report.text(value, lines) };
}

/**
 * The answer of a device, as pmt and pmtx print it: lines for a person; in the JSON formats an object with the one key
 * `Ok`, or `Err` with the text of the error.
 */
export function answer<Value>(lines: (value: Value) => readonly string[]): Output<Value> {
  return {
    kind: 'text',
    formatted: true,
    show: (report, value) => report.text({ Ok: value }, ({ Ok }) => lines(Ok)),
    showFailure: (report, error) => report.failedAnswer(error),
  };
}

/** A document or free text that has no JSON form. */
export const lines: Output<readonly string[]> = {
  kind: 'text',
  formatted: false,
  show: (report, value) => report.lines(value),
};

/** One value, as JSON whatever the format: the fingerprint of a new key. */
export const jsonValue: Output<unknown> = {
  kind: 'text',
  formatted: false,
  show: (report, value) => report.json(value),
};
