import { defineCommand } from '../../grammar/command.ts';
import { text } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';
import { emulatorDirectory, placeOf, placeOptions } from './parameters.ts';

export default defineCommand({
  summary: 'Take a cartridge out of an emulated library, as an operator would.',
  details: 'It stays in the directory, and can be inserted again with all that is on it.',
  examples: [['emulator remove /var/tmp/library --slot 25', 'What was exported to the mail slot:']],
  positionals: { directory: emulatorDirectory },
  options: { ...placeOptions, 'output-format': outputFormat },
  output: text<{ barcode: string }>(({ barcode }) => [`took out ${barcode}`]),
  async run({ directory, slot, drivenum }) {
    const { removeCartridge } = await import('../../../library/emulated_library.ts');
    const place = placeOf({ ...(slot !== undefined && { slot }), ...(drivenum !== undefined && { drivenum }) });
    return { barcode: await removeCartridge(directory, place) };
  },
});
