import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { targetPositional } from './properties.ts';

export default defineCommand({
  summary: 'Send a test message to a notification target.',
  details: 'Also to one that is disabled.',
  examples: [['notification test office', 'Does it arrive?']],
  positionals: { name: targetPositional },
  options: {},
  output: nothing,
  async run({ name }, { installation, report }) {
    const { testTarget } = await import('../../../jobs/notify/test_target.ts');
    await testTarget(installation, name);
    report.info(`a test message was handed over to '${name}'`);
  },
});
