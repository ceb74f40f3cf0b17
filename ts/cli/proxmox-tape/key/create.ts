import { newKeyHint } from '../../../config/identifiers.ts';
import type { KeyDerivation } from '../../../native.ts';
import { defineCommand } from '../../grammar/command.ts';
import { jsonValue } from '../../grammar/output.ts';
import { PASSWORD_PROMPT, VERIFY_PROMPT, withPasswords } from '../../passwords.ts';
import { kdfOption } from './parameters.ts';

export default defineCommand({
  summary: 'Create a tape encryption key.',
  details:
    'The password is asked for twice on a terminal; without one it is the first line of standard input. Prints the ' +
    'fingerprint, which `pool create --encrypt` takes. Print the key on paper, too: without the password and a copy ' +
    'of the key the tapes are lost.',
  examples: [
    ['key create --hint "tape pw 2020"', 'Ask for a password on the terminal:'],
    ['key create --hint "tape pw 2020" < password.txt', 'Take the first line of a file:'],
  ],
  positionals: {},
  options: { hint: newKeyHint, kdf: kdfOption },
  output: jsonValue,
  async run({ hint, kdf }, { installation, report }) {
    const { createKey } = await import('../../../keys/keys.ts');
    const { refuseKdfNone } = await import('../../../keys/key_store.ts');
    refuseKdfNone(kdf as KeyDerivation);
    const password = await withPasswords(report, (ask) => ask(PASSWORD_PROMPT, VERIFY_PROMPT));
    return createKey(installation, { hint, kdf: kdf as KeyDerivation, password });
  },
});
