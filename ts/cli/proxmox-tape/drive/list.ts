import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';

interface DriveRow {
  readonly name: string;
  readonly type: string;
  readonly path: string;
  readonly changer?: string;
  readonly 'changer-drivenum'?: number;
  readonly 'max-size'?: number;
  readonly vendor?: string;
  readonly model?: string;
  readonly serial?: string;
  /** What the drive is used for, while it is. */
  readonly state?: string;
}

export default defineCommand({
  summary: 'List the configured drives.',
  details: 'The JSON formats also tell what a drive is used for at the moment.',
  examples: [['drive list', 'All drives, also virtual ones:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: table<DriveRow>([
    { name: 'name' },
    { name: 'path' },
    { name: 'changer' },
    { name: 'vendor' },
    { name: 'model' },
    { name: 'serial' },
  ]),
  async run(_, { installation }) {
    const { listDrives } = await import('../../../config/drives.ts');
    const { driveState } = await import('../../../library/drive_state.ts');
    const drives = await listDrives(installation);
    return Promise.all(
      drives.map(async (drive) => {
        const state = await driveState(installation, drive);
        return { ...drive, ...(state !== undefined && { state }) };
      }),
    );
  },
});
