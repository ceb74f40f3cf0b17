import type { NotifyTarget } from '../../../config/notify_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';
import type { Renderer } from '../../report/renderers.ts';

const list: Renderer = (value) => (Array.isArray(value) ? value.join(', ') : '');
const everything: Renderer = (value, row) => (row.disable ? 'nothing' : list(value, row) || 'everything');

export default defineCommand({
  summary: 'List the notification targets.',
  examples: [['notification list', 'All targets:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: table<NotifyTarget>([
    { name: 'name' },
    { name: 'type' },
    { name: 'to', render: list },
    { name: 'to-user', render: list },
    { name: 'server' },
    { name: 'url' },
    { name: 'event', render: everything },
    { name: 'comment' },
  ]),
  async run(_, { installation }) {
    const { listTargets } = await import('../../../config/notify.ts');
    return listTargets(installation);
  },
});
