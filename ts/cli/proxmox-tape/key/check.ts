import type { KeyCheck } from '../../../jobs/keys.ts';
import { defineCommand } from '../../grammar/command.ts';
import { text } from '../../grammar/output.ts';
import { drive, outputFormat } from '../../parameters.ts';
import { PASSWORD_PROMPT, tellHint, withPasswords } from '../../passwords.ts';
import { fingerprintPositional } from './parameters.ts';

export default defineCommand({
  summary: 'Prove that a password opens an encryption key.',
  details:
    'Tries it on the stored key, and on the key that the tape in the drive carries. Nothing is changed. Without ' +
    '--drive a tape takes part if there is one with this key.',
  examples: [
    [
      'key check 0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b',
      'The stored key, and the one on the tape in the drive:',
    ],
  ],
  positionals: { fingerprint: fingerprintPositional },
  options: { drive, 'output-format': outputFormat },
  output: text<KeyCheck>(({ fingerprint, stored, tape }) => [
    stored ? `the password opens the stored key ${fingerprint}` : `key ${fingerprint} is not stored here`,
    ...(tape === null ? [] : [`the password opens the key on tape '${tape}'`]),
  ]),
  async run(request, { installation, report }) {
    const { checkKey, findKeyToCheck } = await import('../../../jobs/keys.ts');
    const subjects = await findKeyToCheck(installation, request, (why) => report.info(`no tape is checked: ${why}`));
    const { stored, onTape } = subjects;
    if (stored) tellHint(report, 'the stored key', stored.info.hint);
    if (onTape) tellHint(report, `the key on tape '${onTape.labelText}'`, onTape.wrapped.info.hint);
    const password = await withPasswords(report, (ask) => ask(PASSWORD_PROMPT));
    return checkKey(subjects, password);
  },
});
