import Type from 'typebox';
import { ltoDriveSection, virtualDriveSection } from '../../../config/tape_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate } from '../../grammar/parameter.ts';

const { name, path, 'max-size': maxSize } = virtualDriveSection.schema.properties;
const { changer, 'changer-drivenum': driveNumber } = ltoDriveSection.schema.properties;

export default defineCommand({
  summary: 'Create a drive.',
  details:
    'A tape drive is named by its device; names below /dev/tape/by-id stay the same after a reboot. A virtual drive ' +
    'keeps its tapes as files in a directory, which is created if it does not exist.',
  examples: [
    ['drive create mydrive --path /dev/tape/by-id/scsi-12345-nst', "A tape drive, as 'drive scan' shows it:"],
    ['drive create mydrive --path /dev/tape/by-id/scsi-12345-sg --changer sl3', 'A drive of a library:'],
    ['drive create mydrive --type virtual --path /var/tmp/tapes --max-size 1000000000', 'A drive with tapes of 1 GB:'],
  ],
  positionals: { name },
  options: {
    type: Type.Optional(
      Type.Enum(['virtual', 'lto', 'linux'], {
        description:
          'Kind of drive: virtual, or a tape device by its SCSI generic node (lto) or its tape node (linux). Not needed ' +
          'for tape devices.',
      }),
    ),
    path: annotate(path, {
      description: "Tape device (i.e. '/dev/sg0' or '/dev/nst0'), or directory of the virtual tapes.",
      completion: 'drive-path',
    }),
    'max-size': annotate(maxSize, { description: 'Size of a virtual tape in bytes; 64 MiB if not given.' }),
    changer: annotate(changer, { completion: 'changer' }),
    'changer-drivenum': driveNumber,
  },
  output: nothing,
  async run(drive, { installation, report }) {
    const { createDrive } = await import('../../../library/device_config.ts');
    for (const note of await createDrive(installation, drive)) report.info(note);
  },
});
