import type { NotifyTarget } from '../../../config/notify_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';
import { targetPositional } from './properties.ts';

export default defineCommand({
  summary: 'Show the configuration of a notification target.',
  examples: [['notification config office', 'One target:']],
  positionals: { name: targetPositional },
  options: { 'output-format': outputFormat },
  output: record<NotifyTarget>([
    { name: 'name' },
    { name: 'type' },
    { name: 'to' },
    { name: 'to-user' },
    { name: 'from' },
    { name: 'server' },
    { name: 'port' },
    { name: 'security' },
    { name: 'username' },
    { name: 'program' },
    { name: 'url' },
    { name: 'header' },
    { name: 'event' },
    { name: 'disable' },
    { name: 'comment' },
  ]),
  async run({ name }, { installation }) {
    const { targetConfig } = await import('../../../config/notify.ts');
    return targetConfig(installation, name);
  },
});
