import { targetName } from '../../../config/notify_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { targetOptions, targetType } from './properties.ts';

export default defineCommand({
  summary: 'Create a notification target.',
  details:
    'Targets are told what jobs ask of the operator (insert a tape, take tapes out, clean a drive) and how jobs ended. ' +
    'The password for a mail server, or the token of a webhook, is set with the command notification secret.',
  examples: [
    ['notification create office --type sendmail --to backup@example.com', 'By the mail system of this host:'],
    [
      'notification create office --type smtp --server mail.example.com --to-user root@pam --username tape',
      'By a mail server:',
    ],
    ['notification create chat --type webhook --url https://chat.example.com/hook --event failure', 'Failures only:'],
  ],
  positionals: { name: targetName },
  options: { type: targetType, ...targetOptions },
  output: nothing,
  async run(target, { installation }) {
    const { createTarget } = await import('../../../config/notify.ts');
    await createTarget(installation, target);
  },
});
