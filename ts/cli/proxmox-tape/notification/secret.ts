import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { targetPositional } from './properties.ts';

export default defineCommand({
  summary: 'Set the password or token of a notification target.',
  details:
    'The password for the mail server of an smtp target, or what a webhook sends as its bearer token. It is asked for ' +
    'on the terminal and not shown; without a terminal it is the first line of standard input. It is kept in ' +
    'ferrite-secrets.cfg, which only its owner can read.',
  examples: [
    ['notification secret office', 'Typed at the terminal:'],
    ['notification secret office < password.txt', 'From a file:'],
  ],
  positionals: { name: targetPositional },
  options: {},
  output: nothing,
  async run({ name }, { installation, report }) {
    const { secretPrompt, setTargetSecret } = await import('../../../config/notify.ts');
    const { readSecret } = await import('../../passwords.ts');
    const prompt = await secretPrompt(installation, name);
    await setTargetSecret(installation, name, await readSecret(report, prompt));
  },
});
