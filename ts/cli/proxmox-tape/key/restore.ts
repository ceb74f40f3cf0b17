import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { drive } from '../../parameters.ts';
import { PASSWORD_PROMPT, tellHint, withPasswords } from '../../passwords.ts';

export default defineCommand({
  summary: 'Restore an encryption key from the tape in the drive.',
  details:
    'Asks for the password that the key had when the tape was first written in its media set. A key that is there ' +
    'already is replaced, and has that password from then on.',
  examples: [['key restore --drive mydrive', 'From the tape in a drive:']],
  positionals: {},
  options: { drive },
  output: nothing,
  async run(request, { installation, report }) {
    const { readTapeKey, restoreKey } = await import('../../../jobs/keys.ts');
    const found = await readTapeKey(installation, request);
    tellHint(report, `the key on tape '${found.labelText}'`, found.wrapped.info.hint);
    const password = await withPasswords(report, (ask) => ask(PASSWORD_PROMPT));
    await restoreKey(installation, found, password);
  },
});
