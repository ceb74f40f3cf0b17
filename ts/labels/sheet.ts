/**
 * Sheets of barcode labels as SVG in millimetres: a label of 78 by 15 mm for the recess of an LTO cartridge, with a cell
 * for each character above the bars, digits on colours that people tell apart across a room.
 */
import { type Barcode, code39 } from './code39.ts';

export type PaperName = 'a4' | 'letter' | 'legal' | 'label';

interface Paper {
  description: string;
  width: number;
  height: number;
  columns: number;
  rows: number;
}

/** Millimetres. `label` is one label per page, for label printers. */
export const PAPERS: Readonly<Record<PaperName, Paper>> = {
  a4: { description: 'A4, 32 labels', width: 210, height: 297, columns: 2, rows: 16 },
  letter: { description: 'Letter, 30 labels', width: 215.9, height: 279.4, columns: 2, rows: 15 },
  legal: { description: 'Legal, 38 labels', width: 215.9, height: 355.6, columns: 2, rows: 19 },
  label: { description: 'One label per page, 79 × 17 mm', width: 79, height: 17, columns: 1, rows: 1 },
};

const LABEL_WIDTH = 78;
const LABEL_HEIGHT = 15;
/** Height of the cells with the characters. */
const CELLS = 5.4;
/** Width of a narrow bar; ten characters then take 65.4 mm, and leave the quiet zones that readers need. */
const NARROW = 0.432;
/** Between labels, for scissors. */
const GAP = 2;

/** Ground of each digit. */
const COLOURS: Readonly<Record<string, string>> = {
  '0': '#ef5350',
  '1': '#ffee58',
  '2': '#66bb6a',
  '3': '#64b5f6',
  '4': '#bdbdbd',
  '5': '#ffa726',
  '6': '#f48fb1',
  '7': '#26c6da',
  '8': '#ce93d8',
  '9': '#a1887f',
};

export interface SheetOptions {
  paper: PaperName;
  colours: boolean;
}

export function labelsPerSheet(paper: PaperName): number {
  return PAPERS[paper].columns * PAPERS[paper].rows;
}

/** Labels of each sheet, in the order of columns. */
export function sheets(labels: readonly string[], paper: PaperName): string[][] {
  const per = labelsPerSheet(paper);
  return Array.from({ length: Math.ceil(labels.length / per) }, (_, at) => labels.slice(at * per, (at + 1) * per));
}

/** One sheet as an SVG document. All texts are capital letters and digits. */
export function sheetSvg(labels: readonly string[], { paper, colours }: SheetOptions): string {
  const { width, height, columns, rows } = PAPERS[paper];
  const gap = columns === 1 ? 0 : GAP;
  const left = (width - columns * LABEL_WIDTH - (columns - 1) * gap * 4) / 2;
  const top = (height - rows * LABEL_HEIGHT - (rows - 1) * gap) / 2;
  const drawn = labels.map((label, at) => {
    const x = left + Math.floor(at / rows) * (LABEL_WIDTH + gap * 4);
    const y = top + (at % rows) * (LABEL_HEIGHT + gap);
    return `<g transform="translate(${round(x)} ${round(y)})">${labelSvg(label, colours)}</g>`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}mm" height="${height}mm" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="#fff"/>${drawn.join('')}</svg>`
  );
}

function labelSvg(label: string, colours: boolean): string {
  const cell = LABEL_WIDTH / label.length;
  const cells = [...label].map((character, at) => {
    const ground = (colours && COLOURS[character]) || '#fff';
    const middle = round(cell * (at + 0.5));
    return (
      `<rect x="${round(cell * at)}" width="${round(cell)}" height="${CELLS}" fill="${ground}" stroke="#000" stroke-width="0.15"/>` +
      `<text x="${middle}" y="${CELLS - 1.2}" text-anchor="middle" font-family="Helvetica, Arial, sans-serif" ` +
      `font-weight="bold" font-size="4.4">${character}</text>`
    );
  });
  const outline = `<rect width="${LABEL_WIDTH}" height="${LABEL_HEIGHT}" fill="#fff" stroke="#000" stroke-width="0.1"/>`;
  return outline + cells.join('') + bars(code39(label));
}

function bars({ bars: found, width }: Barcode): string {
  const left = (LABEL_WIDTH - width * NARROW) / 2;
  const path = found
    .map(({ start, width: bar }) => {
      const x = round(left + start * NARROW);
      return `M${x} ${CELLS + 0.7}h${round(bar * NARROW)}V${LABEL_HEIGHT - 0.5}h${round(-bar * NARROW)}z`;
    })
    .join('');
  return `<path d="${path}" fill="#000"/>`;
}

/** Micrometres are finer than any printer. */
const round = (millimetres: number): number => Math.round(millimetres * 1000) / 1000;

/** All sheets as one page of HTML that prints each on a sheet of its own. */
export function sheetsHtml(labels: readonly string[], options: SheetOptions): string {
  const { width, height } = PAPERS[options.paper];
  const pages = sheets(labels, options.paper).map((sheet) => `<section>${sheetSvg(sheet, options)}</section>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Barcode labels ${labels[0] ?? ''} to ${labels.at(-1) ?? ''}</title>
<style>
@page { size: ${width}mm ${height}mm; margin: 0; }
body { margin: 0; }
section { width: ${width}mm; height: ${height}mm; overflow: hidden; break-after: page; }
section:last-child { break-after: auto; }
svg { display: block; }
</style>
</head>
<body>
${pages.join('\n')}
</body>
</html>`;
}
