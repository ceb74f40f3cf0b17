/** Sheets of barcode labels as a printer of 300 dpi would print them, read by zbar, which knows nothing of Ferrite. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { barcodeSheet } from '../../ts/index.ts';
import { labelTexts } from '../../ts/labels/label_range.ts';
import { PAPERS, type PaperName } from '../../ts/labels/sheet.ts';
import { temporaryDirectory } from '../temporary_installation.ts';
import { chromiumTest, closeBrowser, openPage } from './chromium.ts';

test.after.always(closeBrowser);

/** CSS counts 96 pixels to the inch. */
const SCALE = 300 / 96;
const pixels = (millimetres: number): number => Math.ceil((millimetres / 25.4) * 96);

function decode(picture: string): string[] {
  const found = spawnSync('zbarimg', ['--quiet', '--raw', '--set', 'disable', '--set', 'code39.enable', picture], {
    encoding: 'utf8',
  });
  if (found.error) throw new Error('zbarimg is missing: run scripts/install-chromium', { cause: found.error });
  return found.stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

for (const [paper, count, colours] of [
  ['a4', 32, true],
  ['letter', 30, false],
  ['label', 1, true],
] as [PaperName, number, boolean][]) {
  chromiumTest(`${count} labels on ${paper} are read at 300 dpi`, async (t) => {
    const range = { prefix: 'TP', start: 1_234, count, generation: 'L8' } as const;
    const file = join(temporaryDirectory(t), 'sheet.html');
    writeFileSync(file, barcodeSheet({ ...range, paper, colours, format: 'html' }));
    const { width, height } = PAPERS[paper];
    const viewport = { width: pixels(width), height: pixels(height) };
    const { page } = await openPage(t, file, { viewport, deviceScaleFactor: SCALE });
    const picture = file.replace('.html', '.png');
    await page.screenshot({ path: picture });
    t.deepEqual(decode(picture), labelTexts(range));
  });
}
