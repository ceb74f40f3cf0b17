import { deletableChangerProperties } from '../../../config/changers.ts';
import { changerName } from '../../../config/identifiers.ts';
import { changerSection } from '../../../config/tape_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate, optional, optionWithoutDefault } from '../../grammar/parameter.ts';
import { deletions, digestOption } from '../../parameters.ts';

const { path, 'export-slots': exportSlots, 'eject-before-unload': eject } = changerSection.schema.properties;

export default defineCommand({
  summary: 'Change the configuration of a changer.',
  details: 'Deletions come first: a property that is deleted and given ends up set.',
  examples: [
    ['changer update sl3 --export-slots 15,16', 'Keep two slots for tapes to take out:'],
    ['changer update sl3 --delete export-slots', 'Use all slots again:'],
  ],
  positionals: { name: annotate(changerName, { completion: 'changer' }) },
  options: {
    path: optional(path, { completion: 'changer-path' }),
    'export-slots': exportSlots,
    'eject-before-unload': optionWithoutDefault(eject),
    delete: deletions(deletableChangerProperties),
    digest: digestOption,
  },
  output: nothing,
  async run({ name, delete: deleted, digest, ...changes }, { installation }) {
    const { updateChanger } = await import('../../../library/device_config.ts');
    await updateChanger(installation, name, changes, { delete: deleted, digest });
  },
});
