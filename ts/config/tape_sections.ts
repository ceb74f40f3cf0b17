/** Sections of tape.cfg: drives and changers share one name space. */
import Type from 'typebox';
import { changerDriveNumber, changerName, driveName } from './identifiers.ts';
import { parseList } from './property_string.ts';
import type { SectionOf, SectionType } from './section_types.ts';
import { textAccepted } from './value_text.ts';

/** Size of a virtual tape when the section names none. */
export const DEFAULT_VIRTUAL_TAPE_BYTES = 64 * 1024 * 1024;

const path = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description });

/** A directory of virtual tapes, a drive and its own changer at once. */
export const virtualDriveSection = {
  type: 'virtual',
  idProperty: 'name',
  schema: Type.Object({
    name: driveName,
    path: path('Path to directory'),
    'max-size': Type.Optional(Type.Integer({ minimum: 0, description: 'Virtual tape size' })),
  }),
} satisfies SectionType;

const tapeDevice = {
  changer: Type.Optional(changerName),
  'changer-drivenum': Type.Optional(changerDriveNumber),
};

/** A tape drive by its SCSI generic node. */
export const ltoDriveSection = {
  type: 'lto',
  idProperty: 'name',
  schema: Type.Object({
    name: driveName,
    path: path("The path to a LTO SCSI-generic tape device (i.e. '/dev/sg0')"),
    ...tapeDevice,
  }),
} satisfies SectionType;

/** A tape drive by its non-rewinding node, as the first releases of PBS wrote it (D8). */
export const linuxDriveSection = {
  type: 'linux',
  idProperty: 'name',
  schema: Type.Object({
    name: driveName,
    path: path("The path to a LINUX non-rewinding SCSI tape device (i.e. '/dev/nst0')"),
    ...tapeDevice,
  }),
} satisfies SectionType;

/** Slot numbers of `export-slots`. Throws for anything but integers from 1 on. */
export function parseSlotList(text: string): number[] {
  return parseList(text).map((element) => {
    if (!/^[0-9]+$/.test(element) || Number(element) < 1) throw new Error(`'${text}' is no list of slot numbers`);
    return Number(element);
  });
}

export const changerSection = {
  type: 'changer',
  idProperty: 'name',
  schema: Type.Object({
    name: changerName,
    path: path("Path to Linux generic SCSI device (e.g. '/dev/sg4')"),
    'export-slots': Type.Optional(
      textAccepted(parseSlotList, {
        typeText: '[<integer>, ...]',
        description:
          'A list of slot numbers, comma separated. Those slots are reserved for Import/Export, i.e. any media in those ' +
          "slots are considered to be 'offline'.",
      }),
    ),
    'eject-before-unload': Type.Optional(
      Type.Boolean({ default: false, description: 'If set to true, tapes are ejected manually before unloading' }),
    ),
  }),
} satisfies SectionType;

export const tapeSectionTypes = [virtualDriveSection, ltoDriveSection, linuxDriveSection, changerSection] as const;

export type VirtualDriveConfig = { type: 'virtual' } & SectionOf<typeof virtualDriveSection>;
export type TapeDeviceConfig =
  | ({ type: 'lto' } & SectionOf<typeof ltoDriveSection>)
  | ({ type: 'linux' } & SectionOf<typeof linuxDriveSection>);
export type DriveConfig = VirtualDriveConfig | TapeDeviceConfig;
export type ChangerConfig = SectionOf<typeof changerSection>;
