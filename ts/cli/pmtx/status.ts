import type { ElementState, StatusDocument } from '../../library/changers/changer_cache.ts';
import { defineCommand } from '../grammar/command.ts';
import { answer } from '../grammar/output.ts';
import { answerOptions, onChanger } from './parameters.ts';

const stateText = (state: ElementState): string =>
  typeof state === 'string' ? state : `VolumeTag(${JSON.stringify(state.VolumeTag)})`;

const numbered = (name: string, number: number, state: ElementState): string =>
  `${name} ${String(number).padStart(3)}: ${stateText(state)}`;

/** One line per element, as PBS's program spells them. */
function statusLines({ drives, slots, transports }: StatusDocument): string[] {
  const transportLines = transports.map(({ status }, index) => numbered('Transport Element (Griper)', index, status));
  const driveLines = drives.map(({ status, loaded_slot: source, drive_serial_number: serial }, index) => {
    const line = numbered('Data Transfer Element (Drive)', index, status);
    return `${line}${source == null ? '' : `, Source: ${source}`}${serial == null ? '' : `, Serial: ${serial}`}`;
  });
  const slotLines = slots.map(({ status, import_export: isMailSlot }, index) =>
    numbered(isMailSlot ? '  Import/Export' : '  Storage Element', index + 1, status),
  );
  return [...transportLines, ...driveLines, ...slotLines];
}

export default defineCommand({
  summary: 'Show what stands where in a library.',
  details: "As the library reports it: the configuration's export-slots are not applied.",
  examples: [['status', 'Grippers, drives and slots:']],
  positionals: {},
  options: answerOptions,
  output: answer<StatusDocument>(statusLines),
  run(choice, context) {
    return onChanger(choice, context, async (changer) => {
      const { elementsOf } = await import('../../library/changers/changer.ts');
      const { printStatus } = await import('../../library/changers/changer_cache.ts');
      const status = await changer.status();
      for (const warning of status.warnings) context.report.info(warning);
      return printStatus(elementsOf(status));
    });
  },
});
