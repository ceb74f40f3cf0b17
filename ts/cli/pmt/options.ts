import Type from 'typebox';
import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { flag } from '../parameters.ts';
import { deviceOptions, onTape } from './parameters.ts';

export default defineCommand({
  summary: 'Set options of a drive.',
  details: 'Defaults come first, then what else is given.',
  examples: [['options --defaults', 'Compression, buffering, blocks of any size:']],
  positionals: {},
  options: {
    ...deviceOptions,
    blocksize: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 8_388_608, description: 'Block size in bytes; 0 is variable.' }),
    ),
    buffer_mode: flag('Use the buffer of the drive.'),
    compression: flag('Compress data.'),
    defaults: flag('Set the default options.'),
  },
  output: nothing,
  async run({ blocksize, buffer_mode: bufferMode, compression, defaults, ...choice }, context) {
    const options = {
      ...(blocksize !== undefined && { blocksize }),
      ...(bufferMode !== undefined && { bufferMode }),
      ...(compression !== undefined && { compression }),
      ...(defaults !== undefined && { defaults }),
    };
    await onTape(choice, context, (tape) => tape.setOptions(options));
  },
});
