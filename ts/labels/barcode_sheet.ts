/** What `barcode-sheet` makes. */
import { FerriteError } from '../errors.ts';
import { type LabelRange, labelTexts } from './label_range.ts';
import { labelsPerSheet, type SheetOptions, sheetSvg, sheetsHtml } from './sheet.ts';

export interface BarcodeSheetRequest extends LabelRange, SheetOptions {
  /** SVG is a single sheet. */
  format: 'html' | 'svg';
}

/** A document to print without scaling. Throws a FerriteError (`usage`, `bad-label`). */
export function barcodeSheet({ format, paper, colours, ...range }: BarcodeSheetRequest): string {
  const labels = labelTexts(range);
  if (format === 'html') return sheetsHtml(labels, { paper, colours });
  const most = labelsPerSheet(paper);
  if (labels.length > most) {
    throw new FerriteError('usage', 'bad-label', `a sheet has ${most} labels: make several, or use --format html`);
  }
  return sheetSvg(labels, { paper, colours });
}
