import type { DriveReport } from '../../library/drives/status.ts';
import { defineCommand } from '../grammar/command.ts';
import { answer } from '../grammar/output.ts';
import { prettyJson } from '../report/json.ts';
import { answerOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Show the status of a drive and of the tape in it.',
  examples: [['status --drive mydrive', 'Works with and without a tape:']],
  positionals: {},
  options: answerOptions,
  output: answer<DriveReport>(prettyJson),
  run(choice, context) {
    return onTape(choice, context, async (tape) => {
      const { driveReport } = await import('../../library/drives/status.ts');
      return driveReport(await tape.status());
    });
  },
});
