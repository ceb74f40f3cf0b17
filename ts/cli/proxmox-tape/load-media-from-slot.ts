import { slotNumber } from '../../config/identifiers.ts';
import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { annotate } from '../grammar/parameter.ts';
import { drive } from '../parameters.ts';

export default defineCommand({
  summary: 'Load the tape that is in a certain slot.',
  details: 'The drive has to be empty.',
  examples: [['load-media-from-slot 3 --drive mydrive', "Slots as 'changer status' numbers them:"]],
  positionals: { 'source-slot': annotate(slotNumber, { description: 'Source slot number.' }) },
  options: { drive },
  output: nothing,
  async run({ 'source-slot': slot, drive }, { installation, report }) {
    const { loadFromSlotCall } = await import('../../library/changers/slot_calls.ts');
    await report.work((log) => loadFromSlotCall(installation, { slot, drive }, log));
  },
});
