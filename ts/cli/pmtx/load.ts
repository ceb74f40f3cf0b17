import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { deviceOptions, driveNumber, onChanger, slot } from './parameters.ts';

export default defineCommand({
  summary: 'Load a tape from a slot into a drive.',
  examples: [['load 3 --drivenum 1', 'Into the second drive:']],
  positionals: { slot: slot('Storage slot number (source).') },
  options: { ...deviceOptions, drivenum: driveNumber },
  output: nothing,
  async run({ slot, drivenum = 0, ...choice }, context) {
    await onChanger(choice, context, (changer) => changer.load(slot, drivenum));
  },
});
