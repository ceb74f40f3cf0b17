import Type from 'typebox';
import { keyHint } from '../../../config/identifiers.ts';
import { defineCommand } from '../../grammar/command.ts';
import { jsonValue } from '../../grammar/output.ts';
import { optional } from '../../grammar/parameter.ts';
import { PASSWORD_PROMPT, tellHint, withPasswords } from '../../passwords.ts';

export default defineCommand({
  summary: 'Take an encryption key back from a key file or a paper key.',
  details:
    'The file may be a key file of PBS, the text of a QR code, a paper key as text or page, also one that was typed ' +
    'in, scanned to text or mailed (line breaks and spaces in it do not matter), or a scan or photo of a paper key as ' +
    'PNG or JPEG picture, whose QR code is read. Prints the fingerprint.',
  examples: [
    ['key import qrkey.txt', 'The paper key that was saved or typed in:'],
    ['key import scan.png', 'The paper key as it came from a scanner (200 to 300 dpi):'],
  ],
  positionals: { file: Type.String({ description: 'File with the key.' }) },
  options: { hint: optional(keyHint, { description: 'New password restore hint; the one of the key if not given.' }) },
  output: jsonValue,
  async run({ file, hint }, { installation, report }) {
    const { importKey, readKeyFile } = await import('../../../keys/keys.ts');
    const wrapped = await readKeyFile(file);
    tellHint(report, `key ${wrapped.info.fingerprint ?? '(without fingerprint)'}`, wrapped.info.hint);
    const password = await withPasswords(report, (ask) => ask(PASSWORD_PROMPT));
    return importKey(installation, { wrapped, password, hint });
  },
});
