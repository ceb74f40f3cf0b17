import { defineCommand } from '../grammar/command.ts';
import { answer } from '../grammar/output.ts';
import { answerOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Show what a drive complains of.',
  examples: [['tape-alert-flags', 'Flags of the drive and of the tape in it:']],
  positionals: {},
  options: answerOptions,
  output: answer<string>((flags) => [`Tape Alert Flags: ${flags}`]),
  run(choice, context) {
    return onTape(choice, context, async (tape) => (await tape.alertFlags()).text);
  },
});
