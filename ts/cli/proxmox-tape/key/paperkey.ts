import Type from 'typebox';
import { singleLine } from '../../../config/identifiers.ts';
import type { PaperFormat } from '../../../native.ts';
import { defineCommand } from '../../grammar/command.ts';
import { lines } from '../../grammar/output.ts';
import { optional } from '../../grammar/parameter.ts';
import { fingerprintPositional } from './parameters.ts';

export default defineCommand({
  summary: 'Print an encryption key for paper: readable text, and a QR code of it.',
  details:
    'The key stays under its password. Keep the paper where the tapes are not; `key import` takes the key back from ' +
    'what was scanned or typed in.',
  examples: [
    [
      'key paperkey 0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b --output-format text > qrkey.txt',
      'As a text file:',
    ],
  ],
  positionals: { fingerprint: fingerprintPositional },
  options: {
    'output-format': Type.Optional(
      Type.Enum(['text', 'html'], { description: 'Paperkey output format; html if not given.' }),
    ),
    subject: optional(singleLine(1, 1024), { description: 'Include the specified subject as title.' }),
  },
  output: lines,
  async run({ fingerprint, 'output-format': format, subject }, { installation }) {
    const { paperKey } = await import('../../../keys/keys.ts');
    const paper = await paperKey(installation, fingerprint, { format: format as PaperFormat | undefined, subject });
    return paper.replace(/\n$/, '').split('\n');
  },
});
