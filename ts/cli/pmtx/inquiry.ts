import { defineCommand } from '../grammar/command.ts';
import { answer } from '../grammar/output.ts';
import { answerOptions, onChanger } from './parameters.ts';

/** With the names that PBS's program prints. */
interface Inquiry {
  readonly peripheral_type: number;
  readonly peripheral_type_text: string;
  readonly vendor: string;
  readonly product: string;
  readonly revision: string;
}

export default defineCommand({
  summary: 'Show what a changer is.',
  examples: [['inquiry', 'Type, vendor, product and revision:']],
  positionals: {},
  options: answerOptions,
  output: answer<Inquiry>((inquiry) => [
    `Type:     ${inquiry.peripheral_type_text} (${inquiry.peripheral_type})`,
    `Vendor:   ${inquiry.vendor}`,
    `Product:  ${inquiry.product}`,
    `Revision: ${inquiry.revision}`,
  ]),
  run(choice, context) {
    return onChanger(choice, context, async (changer) => {
      const { peripheralType, peripheralTypeText, vendor, product, revision } = await changer.inquiry();
      return { peripheral_type: peripheralType, peripheral_type_text: peripheralTypeText, vendor, product, revision };
    });
  },
});
