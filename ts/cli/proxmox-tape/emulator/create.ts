import Type from 'typebox';
import { changerName } from '../../../config/identifiers.ts';
import { type EmulatedDevices, sectionNames } from '../../../library/emulated_library.ts';
import { defineCommand } from '../../grammar/command.ts';
import { text } from '../../grammar/output.ts';
import { annotate, optional } from '../../grammar/parameter.ts';
import { outputFormat } from '../../parameters.ts';
import { emulatorDirectory } from './parameters.ts';

interface Created extends EmulatedDevices {
  /** Name of the changer's section, if sections were made. */
  readonly configured?: string;
}

const DEFAULT_NAME = 'emulated';

/** The commands to type next. */
function nextCommands({ configured, ...devices }: Created): string[] {
  const { changer, drives } = sectionNames(configured ?? DEFAULT_NAME, devices);
  if (configured !== undefined) {
    return [
      `configured changer '${changer}' and drives ${drives.map(({ name }) => `'${name}'`).join(', ')}; try:`,
      `  proxmox-tape changer status ${changer}`,
    ];
  }
  return [
    'to use it:',
    `  proxmox-tape changer create ${changer} --path ${devices.changer}`,
    ...drives.map(
      ({ name, path, number }) =>
        `  proxmox-tape drive create ${name} --path ${path} --changer ${changer} --changer-drivenum ${number}`,
    ),
  ];
}

export default defineCommand({
  summary: 'Make an emulated tape library to learn and test with.',
  details:
    'Its drives and its robot answer the same SCSI commands as real ones; its cartridges are files. Two of three slots get ' +
    'a blank cartridge, one a cleaning cartridge.',
  examples: [
    ['emulator create /var/tmp/library', 'Two drives, 24 slots, 4 import/export slots:'],
    ['emulator create /var/tmp/library --generation 9 --configure mylib', 'Configured at once:'],
  ],
  positionals: { directory: emulatorDirectory },
  options: {
    drives: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, description: 'Number of drives; 2 if not given.' })),
    slots: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Number of slots; 24 if not given.' })),
    'import-export': Type.Optional(
      Type.Integer({ minimum: 0, maximum: 100, description: 'Number of import/export slots; 4 if not given.' }),
    ),
    generation: Type.Optional(
      Type.Integer({ minimum: 4, maximum: 9, description: 'LTO generation of drives and cartridges; 8 if not given.' }),
    ),
    barcode: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 32 }), {
        description: 'Bar code of a cartridge to put into the next slot; may be given several times.',
      }),
    ),
    'tape-size': Type.Optional(
      Type.Integer({ minimum: 3 * 1024 * 1024, description: 'Capacity of a cartridge in bytes.' }),
    ),
    speed: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'Movements take as long as in a real library, divided by this; no time at all if not given.',
      }),
    ),
    encryption: Type.Optional(
      Type.Enum(['application', 'library', 'none'], {
        description:
          'Who decides about encryption in the drives: programs (if not given), the library with a key of its own, or ' +
          'nobody: they have none.',
      }),
    ),
    configure: optional(changerName, {
      description: 'Create a changer of this name and its drives in tape.cfg as well.',
    }),
    'output-format': annotate(outputFormat, {}),
  },
  output: text<Created>(nextCommands),
  async run({ directory, configure, barcode: barcodes, ...options }, { installation }) {
    const { createEmulatedLibrary, configureEmulatedLibrary } = await import('../../../library/emulated_library.ts');
    const { 'import-export': importExport, 'tape-size': tapeBytes, ...rest } = options;
    const devices = await createEmulatedLibrary({
      directory,
      ...rest,
      ...(importExport !== undefined && { importExport }),
      ...(tapeBytes !== undefined && { tapeBytes }),
      ...(barcodes && { barcodes }),
    });
    if (configure === undefined) return devices;
    await configureEmulatedLibrary(installation, configure, devices);
    return { ...devices, configured: configure };
  },
});
