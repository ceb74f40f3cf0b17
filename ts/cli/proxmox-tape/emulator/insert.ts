import Type from 'typebox';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { flag } from '../../parameters.ts';
import { emulatorDirectory, placeOf, placeOptions } from './parameters.ts';

export default defineCommand({
  summary: 'Put a cartridge into an emulated library, as an operator would.',
  details: 'A bar code that is not known makes a new cartridge; one that was taken out comes back as it was.',
  examples: [['emulator insert /var/tmp/library NEW001L8 --slot 25', 'A new cartridge into the mail slot:']],
  positionals: {
    directory: emulatorDirectory,
    barcode: Type.String({ minLength: 1, maxLength: 32, description: 'Bar code; CLN... is a cleaning cartridge.' }),
  },
  options: {
    ...placeOptions,
    worm: flag('A new cartridge can be written once.'),
    'write-protected': flag('Its write protection is set.'),
    generation: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 9, description: 'LTO generation of a new cartridge.' }),
    ),
  },
  output: nothing,
  async run({ directory, slot, drivenum, 'write-protected': writeProtected, ...cartridge }) {
    const { insertCartridge } = await import('../../../library/emulated_library.ts');
    const place = placeOf({ ...(slot !== undefined && { slot }), ...(drivenum !== undefined && { drivenum }) });
    await insertCartridge(directory, place, { ...cartridge, writeProtected });
  },
});
