import type { CartridgeAttribute } from '../../native.ts';
import { defineCommand } from '../grammar/command.ts';
import { answer } from '../grammar/output.ts';
import { answerOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Show the memory of the cartridge in a drive.',
  examples: [['cartridge-memory', 'One attribute per line: id, name, value:']],
  positionals: {},
  options: answerOptions,
  output: answer<readonly CartridgeAttribute[]>((attributes) =>
    attributes.map(({ id, name, value }) => `${id}|${name}|${value}`),
  ),
  run(choice, context) {
    return onTape(choice, context, (tape) => tape.cartridgeMemory());
  },
});
