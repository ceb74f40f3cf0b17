import Type from 'typebox';
import { virtualDriveSection } from '../../../config/tape_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { nothing } from '../../grammar/output.ts';
import { annotate } from '../../grammar/parameter.ts';

const { name, path, 'max-size': maxSize } = virtualDriveSection.schema.properties;

export default defineCommand({
  summary: 'Create a drive.',
  details: 'A virtual drive keeps its tapes as files in a directory, which is created if it does not exist.',
  examples: [
    ['drive create mydrive --type virtual --path /var/tmp/tapes --max-size 1000000000', 'A drive with tapes of 1 GB:'],
  ],
  positionals: { name },
  options: {
    type: Type.Enum(['virtual'], { description: 'Kind of drive.' }),
    path: annotate(path, { description: 'Directory of the virtual tapes.', completion: 'path' }),
    'max-size': annotate(maxSize, { description: 'Size of a virtual tape in bytes; 64 MiB if not given.' }),
  },
  output: nothing,
  async run(drive, { installation }) {
    const { createDrive } = await import('../../../config/drives.ts');
    await createDrive(installation, drive);
  },
});
