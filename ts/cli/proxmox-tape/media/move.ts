import { vaultName } from '../../../config/identifiers.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { optional } from '../../grammar/parameter.ts';
import { tapeByUuid, tapePositional } from './choice.ts';

export default defineCommand({
  summary: 'Say where a tape is: in a vault, or back on site.',
  details:
    'Tapes in a vault are not used by any job; a media set whose last tape goes there is not continued. Without a vault the ' +
    'tape is on site and offline.',
  examples: [
    ['media move A00012L8 --vault-name bank', 'Taken to the vault:'],
    ['media move A00012L8', 'Back on the shelf:'],
  ],
  positionals: { 'label-text': tapePositional },
  options: {
    uuid: tapeByUuid,
    'vault-name': optional(vaultName, {
      description: 'The vault; without it the tape is on site.',
      aliases: ['vault'],
    }),
  },
  output: nothing,
  async run({ 'label-text': labelText, uuid, 'vault-name': vault }, { installation, report }) {
    const { moveMedia } = await import('../../../jobs/media/changes.ts');
    for (const note of await moveMedia(installation, { labelText, uuid, vault })) report.info(note);
  },
});
