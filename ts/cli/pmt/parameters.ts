/** What the commands of pmt have in common. */
import Type from 'typebox';
import { driverOptionNames } from '../../library/drives/driver_options.ts';
import type { TapeDeviceChoice } from '../../library/drives/tape_control.ts';
import type { TapeDrive } from '../../native.ts';
import type { CommandContext } from '../grammar/command.ts';
import { annotate } from '../grammar/parameter.ts';
import { drive, outputFormat } from '../parameters.ts';

const MOST = 2_147_483_647;

export const fileMarkCount = Type.Integer({ minimum: 1, maximum: MOST, description: 'File mark count.' });
export const recordCount = Type.Integer({ minimum: 1, maximum: MOST, description: 'Record count.' });
export const blockBytes = Type.Integer({ minimum: 0, maximum: MOST, description: 'Block size in bytes.' });

/** Which device a command is for. */
export const deviceOptions = {
  drive: annotate(drive, { description: 'Configured drive; by default PROXMOX_TAPE_DRIVE.' }),
  device: Type.Optional(
    annotate(Type.String({ minLength: 1 }), {
      description: 'Path of the tape device; by default TAPE, else the only configured tape drive.',
      completion: 'drive-path',
    }),
  ),
  'trace-scsi': Type.Optional(
    Type.String({ minLength: 1, description: 'File to which every SCSI command is appended; - is standard error.' }),
  ),
};

/** For commands that print something. */
export const answerOptions = { ...deviceOptions, 'output-format': outputFormat };

export const driverOptions = annotate(Type.Array(Type.String(), { typeText: '<array>' }), {
  description: `Drive Option List: numbers, or ${driverOptionNames.join(', ')}.`,
  completion: 'driver-option',
});

/** Runs `work` on the device that the options mean, saying on stderr which one that is. */
export async function onTape<T>(
  choice: TapeDeviceChoice,
  { installation, report }: CommandContext,
  work: (tape: TapeDrive) => Promise<T>,
): Promise<T> {
  const { controlTape } = await import('../../library/drives/tape_control.ts');
  return controlTape(installation, choice, (path) => report.info(`using device ${path}`), work);
}
