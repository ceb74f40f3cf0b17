import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { digestOption, flag } from '../../parameters.ts';
import { fingerprintPositional } from './parameters.ts';

export default defineCommand({
  summary: 'Remove an encryption key from the database.',
  details:
    'Tapes encrypted with it can then no longer be read here, until `key restore` or `key import` brings it back. A ' +
    'key that pools or media sets need is removed with --force only.',
  examples: [
    [
      'key remove 0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b',
      'A key that nothing needs:',
    ],
  ],
  positionals: { fingerprint: fingerprintPositional },
  options: { digest: digestOption, force: flag('Remove it although pools or media sets need it.') },
  output: nothing,
  async run({ fingerprint, ...options }, { installation }) {
    const { removeKey } = await import('../../../keys/keys.ts');
    await removeKey(installation, fingerprint, options);
  },
});
