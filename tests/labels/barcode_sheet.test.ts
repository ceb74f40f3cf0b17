/** Barcode labels: what is on them, what cannot be on them, (tests/browser/barcode_sheet.test.ts has them read). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { barcodeSheet } from '../../ts/index.ts';
import { code39 } from '../../ts/labels/code39.ts';
import { labelTexts } from '../../ts/labels/label_range.ts';
import { runTool } from '../cli/run.ts';
import { temporaryDirectory } from '../temporary_installation.ts';

const sheet = { paper: 'a4', colours: true, format: 'html' } as const;

test('labels count up', (t) => {
  t.deepEqual(labelTexts({ prefix: 'TAPE', start: 8, count: 3, generation: 'L8' }), [
    'TAPE08L8',
    'TAPE09L8',
    'TAPE10L8',
  ]);
  t.deepEqual(labelTexts({ prefix: '', start: 0, count: 1, generation: 'M8' }), ['000000M8']);
  t.deepEqual(labelTexts({ prefix: 'CLN', start: 1, count: 1, generation: 'CU' }), ['CLN001CU']);
});

for (const [what, range] of [
  ['small letters', { prefix: 'tape', start: 1, count: 1 }],
  ['six characters', { prefix: 'TAPE01', start: 1, count: 1 }],
  ['more than there is room for', { prefix: 'TAPE', start: 98, count: 3 }],
  ['nothing', { prefix: 'TAPE', start: 1, count: 0 }],
  ['markup', { prefix: '<b>', start: 1, count: 1 }],
] as const) {
  test(`refused: ${what}`, (t) => {
    t.throws(() => barcodeSheet({ ...sheet, ...range, generation: 'L8' }), { code: 'bad-label' });
  });
}

test('a symbol has a start, a stop, and the width of its characters', (t) => {
  const { bars, width } = code39('TAPE01L8');
  t.is(bars.length, 10 * 5);
  // Each character has three wide elements of nine; a narrow gap stands between two.
  t.is(width, 10 * (6 + 3 * 2.75) + 9);
  t.throws(() => code39('a'));
});

test('SVG is one sheet', (t) => {
  const range = { prefix: 'TAPE', start: 1, generation: 'L8' } as const;
  t.true(barcodeSheet({ ...sheet, ...range, count: 32, format: 'svg' }).startsWith('<svg '));
  t.throws(() => barcodeSheet({ ...sheet, ...range, count: 33, format: 'svg' }), { message: /32 labels/ });
  t.is(barcodeSheet({ ...sheet, ...range, count: 33 }).split('<section>').length - 1, 2);
});

test('the command writes to its output, or to a file', async (t) => {
  const words = ['barcode-sheet', '--prefix', 'X', '--start', '1', '--count', '2', '--generation', 'L9'];
  const { stdout, code } = await runTool('proxmox-tape', words);
  t.is(code, 0);
  t.regex(stdout, /^<!doctype html>[\s\S]*<title>Barcode labels X00001L9 to X00002L9</);
  const file = join(temporaryDirectory(t), 'labels.svg');
  const written = await runTool('proxmox-tape', [...words, '--format', 'svg', '--file', file]);
  t.deepEqual([written.code, written.stdout], [0, '']);
  t.true(readFileSync(file, 'utf8').startsWith('<svg '));
});
