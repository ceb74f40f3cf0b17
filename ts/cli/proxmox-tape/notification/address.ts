import { userId } from '../../../config/identifiers.ts';
import { mailAddress } from '../../../config/notify_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate, optional } from '../../grammar/parameter.ts';

export default defineCommand({
  summary: 'Set the mail address of a user, or forget it.',
  details: "Addresses in Proxmox Backup Server's user.cfg come first; this is for users who have none there.",
  examples: [
    ['notification address root@pam backup@example.com', 'Where messages for root@pam go:'],
    ['notification address root@pam', 'Nowhere any more:'],
  ],
  positionals: {
    user: annotate(userId, { description: 'User, name@realm.' }),
    email: optional(mailAddress, { description: 'Mail address; without one the address is forgotten.' }),
  },
  options: {},
  output: nothing,
  async run({ user, email }, { installation }) {
    const { setAddress } = await import('../../../config/notify.ts');
    await setAddress(installation, user, email);
  },
});
