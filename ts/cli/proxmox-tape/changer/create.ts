import { changerSection } from '../../../config/tape_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate, optionWithoutDefault } from '../../grammar/parameter.ts';

const { name, path, ...properties } = changerSection.schema.properties;

export default defineCommand({
  summary: 'Create a changer.',
  examples: [
    ['changer create sl3 --path /dev/tape/by-id/scsi-CC2C52', "As 'changer scan' shows it:"],
    ['changer create sl3 --path /dev/tape/by-id/scsi-CC2C52 --export-slots 15,16', 'With slots for tapes to take out:'],
  ],
  positionals: { name },
  options: {
    path: annotate(path, { completion: 'changer-path' }),
    'export-slots': properties['export-slots'],
    'eject-before-unload': optionWithoutDefault(properties['eject-before-unload']),
  },
  output: nothing,
  async run(changer, { installation }) {
    const { createChanger } = await import('../../../library/device_config.ts');
    await createChanger(installation, changer);
  },
});
