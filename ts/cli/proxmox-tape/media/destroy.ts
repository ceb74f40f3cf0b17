import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { flag } from '../../parameters.ts';
import { tapeByUuid, tapePositional } from './choice.ts';

export default defineCommand({
  summary: 'Take a tape out of the inventory: it is lost or destroyed.',
  details: 'The tape itself and its catalog stay as they are. The rest of its media set is not continued.',
  examples: [['media destroy A00012L8 --force', 'Also when it belongs to a media set:']],
  positionals: { 'label-text': tapePositional },
  options: { uuid: tapeByUuid, force: flag('Also when the tape belongs to a media set.') },
  output: nothing,
  async run({ 'label-text': labelText, uuid, force }, { installation }) {
    const { destroyMedia } = await import('../../../jobs/media/changes.ts');
    await destroyMedia(installation, { labelText, uuid, force });
  },
});
