import { slotNumber } from '../../config/identifiers.ts';
import { defineCommand } from '../grammar/command.ts';
import { taskLog } from '../grammar/output.ts';
import { optional } from '../grammar/parameter.ts';
import { taskOptions } from '../parameters.ts';

export default defineCommand({
  summary: 'Unload the tape from the drive, by the changer.',
  examples: [
    ['unload --drive mydrive', 'Back to where the tape came from:'],
    ['unload --drive mydrive --target-slot 3', 'Into a certain slot:'],
  ],
  positionals: {},
  options: {
    ...taskOptions,
    // Tapes of a virtual drive are not in slots of their own: it ignores the number (behaviour.md 24).
    'target-slot': optional(slotNumber, {
      description: 'Slot to put the tape into; the one it came from if not given. Of no meaning for virtual drives.',
    }),
  },
  output: taskLog,
  async run({ 'target-slot': targetSlot, ...access }, { installation, report }) {
    const { unloadTask } = await import('../../jobs/drive_tasks.ts');
    return report.task((observer) => unloadTask(installation, { ...access, targetSlot }, observer));
  },
});
