import type { KeyInfo } from '../../../native.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';
import { epoch } from '../../report/renderers.ts';
import { fingerprintPositional } from './parameters.ts';

export default defineCommand({
  summary: 'Show what is known of a tape encryption key.',
  details: 'No password is needed, and no key is shown.',
  examples: [
    [
      'key show 0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b',
      'One key:',
    ],
  ],
  positionals: { fingerprint: fingerprintPositional },
  options: { 'output-format': outputFormat },
  output: record<KeyInfo>([
    { name: 'kdf' },
    { name: 'created', type: 'integer', render: epoch },
    { name: 'modified', type: 'integer', render: epoch },
    { name: 'fingerprint' },
    { name: 'hint' },
  ]),
  async run({ fingerprint }, { installation }) {
    const { keyInfo } = await import('../../../keys/keys.ts');
    return keyInfo(installation, fingerprint);
  },
});
