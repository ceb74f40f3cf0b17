import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { optional } from '../grammar/parameter.ts';
import { deviceOptions, fileMarkCount, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Write file marks where the tape stands.',
  details: 'What was behind is lost.',
  examples: [['weof', 'One file mark:']],
  positionals: { count: optional(fileMarkCount, { description: 'File mark count; 1 if not given.' }) },
  options: deviceOptions,
  output: nothing,
  async run({ count = 1, ...choice }, context) {
    await onTape(choice, context, (tape) => tape.writeFilemarks(count));
  },
});
