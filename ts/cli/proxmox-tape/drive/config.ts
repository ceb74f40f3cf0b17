import { driveName } from '../../../config/identifiers.ts';
import type { DriveConfig } from '../../../config/tape_sections.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { annotate } from '../../grammar/parameter.ts';
import { outputFormat } from '../../parameters.ts';

interface DriveProperties {
  readonly name: string;
  readonly type?: 'virtual';
  readonly path: string;
  readonly 'max-size'?: number;
  readonly changer?: string;
  readonly 'changer-drivenum'?: number;
}

/** PBS does not print the type of a tape device; that a drive is virtual has to be said. */
function propertiesOf({ type, ...properties }: DriveConfig): DriveProperties {
  return type === 'virtual' ? { type, ...properties } : properties;
}

export default defineCommand({
  summary: 'Show the configuration of a drive.',
  examples: [['drive config mydrive', 'One drive:']],
  positionals: { name: annotate(driveName, { completion: 'drive' }) },
  options: { 'output-format': outputFormat },
  output: record<DriveProperties>([
    { name: 'name' },
    { name: 'type' },
    { name: 'path' },
    { name: 'max-size', type: 'integer' },
    { name: 'changer' },
    { name: 'changer-drivenum', type: 'integer' },
  ]),
  async run({ name }, { installation }) {
    const { driveConfig } = await import('../../../config/drives.ts');
    return propertiesOf(await driveConfig(installation, name));
  },
});
