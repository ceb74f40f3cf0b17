/**
 * Tables as the manual shows them (cli.md 2.1, 2.2). Own code, because the rules are those of one program: widths in
 * display columns, separators between all rows, alignment by the declared type of a property, not by its content.
 */
import { cutToWidth, displayWidth, visible } from './display_width.ts';
import type { Renderer } from './renderers.ts';

export type ColumnType = 'string' | 'integer' | 'number' | 'boolean';

export interface Column<Name extends string> {
  /** Name of the JSON property. */
  readonly name: Name;
  readonly type?: ColumnType;
  readonly header?: string;
  readonly render?: Renderer;
}

export interface TableStyle {
  readonly border: boolean;
  readonly header: boolean;
  readonly ascii: boolean;
  /** Lines are cut here: the width of the terminal, if it is one. */
  readonly columns: number | undefined;
}

export type Row = Readonly<Record<string, unknown>>;

interface Cell {
  readonly lines: readonly string[];
  readonly width: number;
}

type Alignment = 'left' | 'right';

const BOX = { vertical: '│', top: '┌─┬┐', head: '╞═╪╡', between: '├─┼┤', bottom: '└─┴┘' };
const ASCII_BOX = { vertical: '|', top: '+=++', head: '+=++', between: '+-++', bottom: '+=++' };

const SURROGATE = /[\ud800-\udfff]/;

const alignmentOf = (type: ColumnType | undefined): Alignment =>
  type === undefined || type === 'string' ? 'left' : 'right';

function cellText(value: unknown, row: Row, render: Renderer | undefined): string {
  if (render) return render(value, row);
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function makeCell(text: string): Cell {
  const lines = visible(text).split('\n');
  return { lines, width: largest(lines.map(displayWidth)) };
}

/** Not `Math.max(...)`: a catalog has more rows than a call may have arguments. */
function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => Math.max(most, number), 0);
}

function compareValues(a: unknown, b: unknown, type: ColumnType | undefined): number {
  const [emptyA, emptyB] = [a ?? null, b ?? null].map((value) => value === null);
  if (emptyA || emptyB) return Number(emptyB) - Number(emptyA);
  if (alignmentOf(type) === 'right') return Number(a) - Number(b);
  return compareBytes(String(a), String(b));
}

/** Strings compare by UTF-16 units, which is the order of their UTF-8 bytes as long as there are no surrogates. */
function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  const simple = !SURROGATE.test(a) && !SURROGATE.test(b);
  return simple ? (a < b ? -1 : 1) : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Rows in the order of the declared keys, equal ones in the order given. */
export function sortRows(rows: readonly Row[], columns: readonly Column<string>[], keys: readonly string[]): Row[] {
  const order = keys.map((key) => ({ key, type: columns.find(({ name }) => name === key)?.type }));
  return [...rows].sort((a, b) => {
    for (const { key, type } of order) {
      const difference = compareValues(a[key], b[key], type);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

/** A list of objects: nothing at all where there are none. */
export function listTable(rows: readonly Row[], columns: readonly Column<string>[], style: TableStyle): string[] {
  if (rows.length === 0) return [];
  const header = columns.map(({ name, header: title }) => title ?? name);
  const body = rows.map((row) => columns.map(({ name, render }) => cellText(row[name], row, render)));
  return drawTable(
    header,
    body,
    columns.map(({ type }) => alignmentOf(type)),
    style,
  );
}

/** One object, a property per row; absent ones make none. */
export function recordTable(value: Row, columns: readonly Column<string>[], style: TableStyle): string[] {
  const present = columns.filter(({ name }) => value[name] !== undefined);
  const body = present.map(({ name, header, render }) => [header ?? name, cellText(value[name], value, render)]);
  const numeric = columns.length > 0 && columns.every(({ type }) => alignmentOf(type) === 'right');
  return body.length === 0 ? [] : drawTable(['Name', 'Value'], body, ['left', numeric ? 'right' : 'left'], style);
}

function drawTable(
  header: readonly string[],
  body: readonly (readonly string[])[],
  alignment: readonly Alignment[],
  style: TableStyle,
): string[] {
  const headerCells = header.map(makeCell);
  const cells = body.map((row) => row.map(makeCell));
  const shown = style.border && style.header ? [headerCells, ...cells] : cells;
  // A header that is not printed takes no room.
  const widths = header.map((_, index) => largest(shown.map((row) => row[index]?.width ?? 0)));
  const lines = style.border
    ? bordered(style.header ? headerCells : undefined, cells, widths, alignment, style.ascii ? ASCII_BOX : BOX)
    : cells.flatMap((row) => rowLines(row, widths, alignment).map((line) => line.join(' ')));
  const { columns } = style;
  return columns === undefined ? lines : lines.map((line) => cutToWidth(line, columns));
}

function bordered(
  header: readonly Cell[] | undefined,
  rows: readonly (readonly Cell[])[],
  widths: readonly number[],
  alignment: readonly Alignment[],
  box: typeof BOX,
): string[] {
  const rule = ([left = '', line = '', cross = '', right = '']: string) =>
    left + widths.map((width) => line.repeat(width + 2)).join(cross) + right;
  const draw = (row: readonly Cell[]) =>
    rowLines(row, widths, alignment).map((line) => `${box.vertical} ${line.join(` ${box.vertical} `)} ${box.vertical}`);
  const blocks = rows.map(draw);
  return [
    rule(box.top),
    ...(header ? [...draw(header), rule(box.head)] : []),
    ...blocks.flatMap((block, index) => (index === 0 ? block : [rule(box.between), ...block])),
    rule(box.bottom),
  ];
}

/** The lines of one row, each a list of padded cells. */
function rowLines(row: readonly Cell[], widths: readonly number[], alignment: readonly Alignment[]): string[][] {
  const height = largest(row.map(({ lines }) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    row.map((cell, index) => {
      const text = cell.lines[line] ?? '';
      const padding = ' '.repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(text)));
      return alignment[index] === 'right' ? padding + text : text + padding;
    }),
  );
}
