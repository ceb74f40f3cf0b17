import type { EmulatedCartridge } from '../../../native.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';
import { emulatorDirectory } from './parameters.ts';

interface CartridgeRow extends Omit<EmulatedCartridge, 'place'> {
  readonly place: string;
}

const SHELF = 'shelf';

export default defineCommand({
  summary: 'List the cartridges of an emulated library, also those that were taken out.',
  examples: [['emulator cartridges /var/tmp/library', 'Where they are, as their operator knows it:']],
  positionals: { directory: emulatorDirectory },
  options: { 'output-format': outputFormat },
  output: table<CartridgeRow>([
    { name: 'barcode' },
    { name: 'kind' },
    { name: 'generation', type: 'integer' },
    { name: 'write-protected', type: 'boolean' },
    { name: 'place' },
  ]),
  async run({ directory }) {
    const { listCartridges } = await import('../../../library/emulated_library.ts');
    const cartridges = await listCartridges(directory);
    return cartridges.map(({ place, ...rest }) => ({
      ...rest,
      place: place ? `${place.kind} ${place.number}` : SHELF,
    }));
  },
});
