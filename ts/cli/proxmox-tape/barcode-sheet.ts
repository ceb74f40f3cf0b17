import { writeFile } from 'node:fs/promises';
import Type from 'typebox';
import { GENERATIONS } from '../../labels/label_range.ts';
import { PAPERS, type PaperName } from '../../labels/sheet.ts';
import { defineCommand } from '../grammar/command.ts';
import { lines } from '../grammar/output.ts';
import { defaulted } from '../grammar/parameter.ts';

const papers = Object.keys(PAPERS) as PaperName[];

export default defineCommand({
  summary: 'Make sheets of barcode labels for LTO cartridges, to be printed.',
  details:
    'Code 39 with six characters that count up and two for the generation; digits stand on colours. Print without scaling ' +
    '(100 %, actual size).',
  examples: [
    [
      'barcode-sheet --prefix TAPE --start 1 --count 32 --generation L8 > labels.html',
      'A sheet of A4, TAPE01L8 to TAPE32L8:',
    ],
    [
      'barcode-sheet --prefix CLN --start 1 --count 4 --generation CU --format svg --file cleaning.svg',
      'For cleaning cartridges, as SVG:',
    ],
  ],
  positionals: {},
  options: {
    prefix: Type.String({
      maxLength: 5,
      pattern: '^[A-Z0-9]*$',
      description: 'Capital letters and digits in front of the number.',
    }),
    start: Type.Integer({ minimum: 0, maximum: 999_999, description: 'First number.' }),
    count: Type.Integer({ minimum: 1, maximum: 10_000, description: 'How many labels.' }),
    generation: Type.Enum([...GENERATIONS], {
      description: 'Media identifier: L1 to L9, LA, M8, LT to LZ (WORM), CU (cleaning).',
    }),
    paper: defaulted(Type.Enum(papers), 'a4', {
      description: "Size of the sheet; 'label' is one label of 79 by 17 mm per page.",
    }),
    format: defaulted(Type.Enum(['html', 'svg']), 'html', { description: 'HTML, or SVG for a single sheet.' }),
    colours: defaulted(Type.Boolean(), true, { description: 'Digits on colours.', aliases: ['colors'] }),
    file: Type.Optional(Type.String({ minLength: 1, description: 'Write to this file instead of standard output.' })),
  },
  output: lines,
  async run({ file, ...request }) {
    const { barcodeSheet } = await import('../../labels/barcode_sheet.ts');
    const sheet = barcodeSheet(request);
    if (file === undefined) return sheet.split('\n');
    await writeFile(file, sheet);
    return [];
  },
});
