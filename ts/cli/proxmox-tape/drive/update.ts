import { deletableTapeDeviceProperties, deletableVirtualDriveProperties } from '../../../config/drives.ts';
import { driveName } from '../../../config/identifiers.ts';
import { ltoDriveSection, virtualDriveSection } from '../../../config/tape_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate, optional } from '../../grammar/parameter.ts';
import { deletions, digestOption } from '../../parameters.ts';

const { changer, 'changer-drivenum': driveNumber } = ltoDriveSection.schema.properties;
const { path, 'max-size': maxSize } = virtualDriveSection.schema.properties;

export default defineCommand({
  summary: 'Change the configuration of a drive.',
  details: 'Deletions come first: a property that is deleted and given ends up set.',
  examples: [
    ['drive update mydrive --changer sl3 --changer-drivenum 0', 'Put the drive into a library:'],
    ['drive update mydrive --delete max-size', 'Virtual tapes of the default size from now on:'],
  ],
  positionals: { name: annotate(driveName, { completion: 'drive' }) },
  options: {
    path: optional(path, { description: 'Tape device, or directory of the virtual tapes.', completion: 'drive-path' }),
    'max-size': annotate(maxSize, { description: 'Size of a virtual tape in bytes.' }),
    changer: annotate(changer, { completion: 'changer' }),
    'changer-drivenum': driveNumber,
    delete: deletions([...deletableTapeDeviceProperties, ...deletableVirtualDriveProperties]),
    digest: digestOption,
  },
  output: nothing,
  async run({ name, delete: deleted, digest, ...changes }, { installation, report }) {
    const { updateDrive } = await import('../../../library/device_config.ts');
    const notes = await updateDrive(installation, name, changes, { delete: deleted, digest });
    for (const note of notes) report.info(note);
  },
});
