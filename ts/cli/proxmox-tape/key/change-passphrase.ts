import { keyHint } from '../../../config/identifiers.ts';
import type { KeyDerivation } from '../../../native.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { optional } from '../../grammar/parameter.ts';
import { flag } from '../../parameters.ts';
import { tellHint, VERIFY_PROMPT, withPasswords } from '../../passwords.ts';
import { fingerprintPositional, kdfOption } from './parameters.ts';

const CURRENT_PROMPT = 'Current Tape Encryption Key Password: ';
const NEW_PROMPT = 'New Tape Encryption Key Password: ';

export default defineCommand({
  summary: "Change the encryption key's password.",
  details:
    'Without a terminal the current and the new password are the first two lines of standard input. Tapes that carry ' +
    'the key keep it under the old password, for as long as they hold data: keep that password, too. A paper key ' +
    'that was printed before keeps it as well.',
  examples: [
    [
      'key change-passphrase 0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b --hint "tape pw 2021"',
      'A new password with its hint:',
    ],
  ],
  positionals: { fingerprint: fingerprintPositional },
  options: {
    hint: optional(keyHint, { description: 'Password restore hint; the present one if not given.' }),
    kdf: kdfOption,
    force: flag('Do not ask for the current password: take the key from the plain key file, for who may read it.'),
  },
  output: nothing,
  async run({ fingerprint, hint, kdf, force }, { installation, report }) {
    const { changeKeyPassphrase, keyInfo } = await import('../../../keys/keys.ts');
    const { refuseKdfNone } = await import('../../../keys/key_store.ts');
    refuseKdfNone(kdf as KeyDerivation);
    const info = await keyInfo(installation, fingerprint);
    const passwords = await withPasswords(report, async (ask) => {
      if (!force) tellHint(report, 'the key', info.hint);
      const current = force ? undefined : await ask(CURRENT_PROMPT);
      return { current, password: await ask(NEW_PROMPT, VERIFY_PROMPT) };
    });
    const change = { ...passwords, hint, kdf: kdf as KeyDerivation };
    const tapes = await changeKeyPassphrase(installation, fingerprint, change);
    if (tapes.length === 0) return;
    report.info(
      `these tapes carry the key under the old password, and keep it: ${tapes.join(', ')} ` +
        "('proxmox-tape key status' tells the hint of each)",
    );
  },
});
