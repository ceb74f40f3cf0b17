/** Drives of tape.cfg: the rules of the file, and which drive a command means. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FerriteError, toFerriteError } from '../errors.ts';
import type { ConfigDocument } from './config_document.ts';
import { readConfig, updateConfig } from './config_file.ts';
import type { Installation } from './installation.ts';
import { applyChanges, type Changes, type UpdateOptions } from './section_update.ts';
import {
  changerSection,
  type DriveConfig,
  linuxDriveSection,
  ltoDriveSection,
  type TapeDeviceConfig,
  tapeSectionTypes,
  type VirtualDriveConfig,
  virtualDriveSection,
} from './tape_sections.ts';

const FILE = 'tape.cfg';

export const deletableVirtualDriveProperties = ['max-size'] as const;
export const deletableTapeDeviceProperties = ['changer', 'changer-drivenum'] as const;
type TapeDeviceSection = Omit<TapeDeviceConfig, 'type'>;
export type DeletableDriveProperty =
  | (typeof deletableVirtualDriveProperties)[number]
  | (typeof deletableTapeDeviceProperties)[number];

/** Properties of any drive that an update may name. */
export type DriveChanges = Changes<
  Omit<VirtualDriveConfig, 'name' | 'type'> & Pick<TapeDeviceConfig, 'changer' | 'changer-drivenum'>
>;

/** All drives, sorted by name. */
export async function listDrives(installation: Installation): Promise<DriveConfig[]> {
  return drivesOf(await readConfig(installation, FILE, tapeSectionTypes));
}

function drivesOf(document: ConfigDocument): DriveConfig[] {
  return [
    ...document.list(virtualDriveSection).map((drive) => ({ type: 'virtual' as const, ...drive })),
    ...document.list(ltoDriveSection).map((drive) => ({ type: 'lto' as const, ...drive })),
    ...document.list(linuxDriveSection).map((drive) => ({ type: 'linux' as const, ...drive })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** One drive; a FerriteError (`usage`, `unknown-drive`) where there is none of that name. */
export async function driveConfig(installation: Installation, name: string): Promise<DriveConfig> {
  return findDrive(await readConfig(installation, FILE, tapeSectionTypes), name);
}

function findDrive(document: ConfigDocument, name: string): DriveConfig {
  const drives = drivesOf(document);
  const drive = drives.find((candidate) => candidate.name === name);
  if (drive) return drive;
  const known =
    drives.length > 0 ? `known drives: ${drives.map((each) => each.name).join(', ')}` : 'there are none yet';
  throw new FerriteError('usage', 'unknown-drive', `drive '${name}' does not exist (${known})`);
}

/**
 * Adds a drive. Its path may be relative; the directory of a virtual drive is made where it is missing. Whether a tape
 * device is there is for whoever can ask it (library/device_config.ts).
 */
export async function addDrive(installation: Installation, drive: DriveConfig): Promise<void> {
  const { type, ...section } = { ...drive, path: resolve(drive.path) };
  await updateConfig(installation, FILE, tapeSectionTypes, async (document) => {
    if (type === 'virtual') document.add(virtualDriveSection, section);
    else document.add(sectionTypeOf(type), checkedTapeDevice(document, section));
    refuseSharedPath(document, drive.name, section.path);
    if (type === 'virtual') await makeTapeDirectory(section.path);
  });
}

const sectionTypeOf = (type: TapeDeviceConfig['type']) => (type === 'lto' ? ltoDriveSection : linuxDriveSection);

function refuseSharedPath(document: ConfigDocument, name: string, path: string): void {
  const other = drivesOf(document).find((drive) => drive.name !== name && drive.path === path);
  if (!other) return;
  throw new FerriteError(
    'usage',
    'path-in-use',
    `${path} is already used by drive '${other.name}': choose another path`,
  );
}

async function makeTapeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    const cause = toFerriteError(error);
    throw new FerriteError(cause.kind, cause.code, `cannot make the tape directory ${path}: ${cause.message}`, {
      cause: error,
    });
  }
}

/** As `addDrive`, for a drive that is there. */
export async function changeDrive(
  installation: Installation,
  name: string,
  changes: DriveChanges,
  options: UpdateOptions<DeletableDriveProperty> = {},
): Promise<void> {
  const change = (document: ConfigDocument): Promise<void> =>
    changeSection(document, name, changes, options.delete ?? []);
  await updateConfig(installation, FILE, tapeSectionTypes, change, options.digest);
}

async function changeSection(
  document: ConfigDocument,
  name: string,
  changes: DriveChanges,
  deleted: readonly string[],
): Promise<void> {
  const { type, ...current } = findDrive(document, name);
  if (type === 'virtual') {
    const path = changes.path === undefined ? undefined : resolve(changes.path);
    const value = applyChanges(current, { ...changes, path }, deleted, deletableVirtualDriveProperties);
    document.replace(virtualDriveSection, value);
    if (path === undefined) return;
    refuseSharedPath(document, name, path);
    await makeTapeDirectory(path);
    return;
  }
  changeTapeDevice(document, { type, ...current }, changes, deleted);
  if (changes.path !== undefined) refuseSharedPath(document, name, changes.path);
}

function changeTapeDevice(
  document: ConfigDocument,
  drive: TapeDeviceConfig,
  changes: DriveChanges,
  deleted: readonly string[],
): void {
  const { type, ...current } = drive;
  // Without its changer a drive has no number in it.
  const all = deleted.includes('changer') ? [...deleted, 'changer-drivenum'] : deleted;
  const value = applyChanges(current, changes as Changes<typeof current>, all, deletableTapeDeviceProperties);
  document.replace(sectionTypeOf(type), checkedTapeDevice(document, value));
}

/** Drive number 0 is not stored, and another one is of no use without a changer. */
function checkedTapeDevice(document: ConfigDocument, drive: TapeDeviceSection): TapeDeviceSection {
  const { 'changer-drivenum': number = 0, ...section } = drive;
  if (number !== 0 && drive.changer === undefined) {
    throw new FerriteError(
      'usage',
      'bad-parameter',
      `parameter 'changer-drivenum' requires a changer: give --changer as well`,
    );
  }
  if (drive.changer !== undefined && !document.get(changerSection, drive.changer)) {
    throw new FerriteError('usage', 'unknown-changer', `changer '${drive.changer}' does not exist`);
  }
  return number === 0 ? section : { ...section, 'changer-drivenum': number };
}

/** Removes the section. Virtual tapes stay where they are. */
export async function removeDrive(installation: Installation, name: string): Promise<void> {
  await updateConfig(installation, FILE, tapeSectionTypes, (document) => {
    findDrive(document, name);
    document.remove(name);
  });
}

/** `--drive`, else `PROXMOX_TAPE_DRIVE`, else the only drive there is. */
export async function chooseDrive(installation: Installation, given?: string): Promise<DriveConfig> {
  const name = given ?? installation.variables.PROXMOX_TAPE_DRIVE;
  if (name) return driveConfig(installation, name);
  const drives = await listDrives(installation);
  const [only] = drives;
  if (only && drives.length === 1) return only;
  const reason = only
    ? `there are several (${drives.map((drive) => drive.name).join(', ')}): name one with --drive or PROXMOX_TAPE_DRIVE`
    : "none is configured: see 'proxmox-tape drive create'";
  throw new FerriteError('usage', 'no-default-drive', `no default drive: ${reason}`);
}

/** The changer that serves a drive; a virtual drive is its own. Undefined: a person inserts the tapes. */
export function changerOf(drive: DriveConfig): string | undefined {
  return drive.type === 'virtual' ? drive.name : drive.changer;
}

/** Everything that tapes can be online in. */
export async function listChangerNames(installation: Installation): Promise<string[]> {
  const document = await readConfig(installation, FILE, tapeSectionTypes);
  return [...document.list(virtualDriveSection), ...document.list(changerSection)].map(({ name }) => name).sort();
}
