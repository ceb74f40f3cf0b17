import type { VolumeStatistics } from '../../native.ts';
import { defineCommand } from '../grammar/command.ts';
import { answer } from '../grammar/output.ts';
import { prettyJson } from '../report/json.ts';
import { answerOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Show what a drive counted about the tape in it (SCSI log page 17h).',
  examples: [['volume-statistics', 'Mounts, errors, bytes, passes:']],
  positionals: {},
  options: answerOptions,
  output: answer<VolumeStatistics>(prettyJson),
  run(choice, context) {
    return onTape(choice, context, (tape) => tape.volumeStatistics());
  },
});
