import Type from 'typebox';
import { STORABLE_STATUS } from '../../../media/status.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { tapeByUuid, tapePositional } from './choice.ts';

export default defineCommand({
  summary: 'Set or clear the status of a tape.',
  details:
    'A full tape is not written to before its data expires. A damaged or retired tape is not used again, and its media set ' +
    'is not continued. Without a status what was set is cleared.',
  examples: [
    ['media set-status A00012L8 --status retired', 'Not to be used any more:'],
    ['media set-status A00012L8', 'As if nothing had been set:'],
  ],
  positionals: { 'label-text': tapePositional },
  options: {
    uuid: tapeByUuid,
    status: Type.Optional(Type.Enum([...STORABLE_STATUS], { description: 'The status; without it, none.' })),
  },
  output: nothing,
  async run({ 'label-text': labelText, uuid, status }, { installation, report }) {
    const { setMediaStatus } = await import('../../../jobs/media/changes.ts');
    const before = await setMediaStatus(installation, { labelText, uuid, status });
    // Whoever only forgot the option should see what was done.
    if (status === undefined) report.info(before ? `the status '${before}' is cleared` : 'no status was set');
  },
});
