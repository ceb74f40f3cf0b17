import Type from 'typebox';
import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, driveNumber, onChanger, slot } from './parameters.ts';

export default defineCommand({
  summary: 'Unload the tape from a drive into a slot.',
  examples: [['unload', 'From the first drive to where the tape came from:']],
  positionals: {},
  options: {
    ...deviceOptions,
    drivenum: driveNumber,
    slot: Type.Optional(
      slot('Storage slot number (target). If omitted, defaults to the slot that the drive was loaded from.'),
    ),
  },
  output: nothing,
  async run({ slot, drivenum = 0, ...choice }, context) {
    const { unloadDrive } = await import('../../library/changers/changer_control.ts');
    await onChanger(choice, context, (changer) => unloadDrive(changer, drivenum, slot));
  },
});
