/** What the commands for emulated libraries have in common. */
import Type from 'typebox';
import { FerriteError } from '../../../errors.ts';
import type { ElementPlace } from '../../../native.ts';

export const emulatorDirectory = Type.String({ minLength: 1, description: 'Directory of the emulated library.' });

export const placeOptions = {
  slot: Type.Optional(Type.Integer({ minimum: 1, description: 'Slot number, import/export slots included.' })),
  drivenum: Type.Optional(Type.Integer({ minimum: 0, description: 'Drive number, instead of a slot.' })),
};

/** The one place that was named. */
export function placeOf({ slot, drivenum }: { slot?: number; drivenum?: number }): ElementPlace {
  if (slot !== undefined && drivenum === undefined) return { kind: 'slot', number: slot };
  if (drivenum !== undefined && slot === undefined) return { kind: 'drive', number: drivenum };
  throw new FerriteError('usage', 'bad-parameter', 'name one place: give either --slot or --drivenum');
}
