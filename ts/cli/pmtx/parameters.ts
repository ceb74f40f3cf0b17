/** What the commands of pmtx have in common. */
import Type from 'typebox';
import { changerName } from '../../config/identifiers.ts';
import type { ChangerDeviceChoice } from '../../library/changers/changer_control.ts';
import type { MediaChanger } from '../../native.ts';
import type { CommandContext } from '../grammar/command.ts';
import { annotate, optional } from '../grammar/parameter.ts';
import { outputFormat } from '../parameters.ts';

/** Which device a command is for. */
export const deviceOptions = {
  changer: optional(changerName, {
    description: 'Configured changer; by default that of the drive PROXMOX_TAPE_DRIVE.',
    completion: 'changer',
  }),
  device: Type.Optional(
    annotate(Type.String({ minLength: 1 }), {
      description: 'Path of the changer device; by default CHANGER.',
      completion: 'changer-path',
    }),
  ),
  'trace-scsi': Type.Optional(
    Type.String({ minLength: 1, description: 'File to which every SCSI command is appended; - is standard error.' }),
  ),
};

/** For commands that print something. */
export const answerOptions = { ...deviceOptions, 'output-format': outputFormat };

export const slot = (description: string) => Type.Integer({ minimum: 1, typeText: '<integer>', description });

export const driveNumber = Type.Optional(
  Type.Integer({ minimum: 0, typeText: '<integer>', description: 'Target drive number (defaults to Drive 0)' }),
);

/** Runs `work` on the device that the options mean, saying on stderr which one that is. */
export async function onChanger<T>(
  choice: ChangerDeviceChoice,
  { installation, report }: CommandContext,
  work: (changer: MediaChanger) => Promise<T>,
): Promise<T> {
  const { controlChanger } = await import('../../library/changers/changer_control.ts');
  return controlChanger(installation, choice, (path) => report.info(`using device ${path}`), work);
}
