import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { targetPositional } from './properties.ts';

export default defineCommand({
  summary: 'Set the password or token of a notification target.',
  details:
    'It is read from the first line of standard input, and kept in ferrite-secrets.cfg, which only its owner can read: ' +
    'the password for the mail server of an smtp target, or what a webhook sends as its bearer token.',
  examples: [['notification secret office < password.txt', 'From a file:']],
  positionals: { name: targetPositional },
  options: {},
  output: nothing,
  async run({ name }, { installation, stdin }) {
    const { setTargetSecret } = await import('../../../config/notify.ts');
    const { firstLine } = await import('../../grammar/first_line.ts');
    await setTargetSecret(installation, name, await firstLine(stdin));
  },
});
