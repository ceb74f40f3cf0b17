/** Changers of tape.cfg: the rules of the file, and which changer a command means. */
import { FerriteError } from '../errors.ts';
import type { ConfigDocument } from './config_document.ts';
import { readConfig, updateConfig } from './config_file.ts';
import { changerOf, chooseDrive } from './drives.ts';
import type { Installation } from './installation.ts';
import { applyChanges, type Changes, type UpdateOptions } from './section_update.ts';
import {
  type ChangerConfig,
  changerSection,
  linuxDriveSection,
  ltoDriveSection,
  parseSlotList,
  tapeSectionTypes,
} from './tape_sections.ts';

const FILE = 'tape.cfg';

export const deletableChangerProperties = ['export-slots', 'eject-before-unload'] as const;
export type DeletableChangerProperty = (typeof deletableChangerProperties)[number];

export type ChangerChanges = Changes<Omit<ChangerConfig, 'name'>>;

/** All changers, sorted by name. */
export async function listChangers(installation: Installation): Promise<ChangerConfig[]> {
  const document = await readConfig(installation, FILE, tapeSectionTypes);
  return document.list(changerSection).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** One changer; a FerriteError (`usage`, `unknown-changer`) where there is none of that name. */
export async function changerConfig(installation: Installation, name: string): Promise<ChangerConfig> {
  return requireChanger(await readConfig(installation, FILE, tapeSectionTypes), name);
}

function requireChanger(document: ConfigDocument, name: string): ChangerConfig {
  const changer = document.get(changerSection, name);
  if (changer) return changer;
  const names = document.list(changerSection).map((each) => each.name);
  const known = names.length > 0 ? `known changers: ${names.sort().join(', ')}` : 'there are none yet';
  throw new FerriteError('usage', 'unknown-changer', `changer '${name}' does not exist (${known})`);
}

/** Adds the section. Whether there is such a device is for whoever can ask it (library/device_config.ts). */
export async function addChanger(installation: Installation, changer: ChangerConfig): Promise<void> {
  await updateConfig(installation, FILE, tapeSectionTypes, (document) => {
    document.add(changerSection, normalised(changer));
    refuseSharedPath(document, changer.name, changer.path);
  });
}

export async function changeChanger(
  installation: Installation,
  name: string,
  changes: ChangerChanges,
  options: UpdateOptions<DeletableChangerProperty> = {},
): Promise<void> {
  const change = (document: ConfigDocument): void => {
    const current = requireChanger(document, name);
    const value = applyChanges<ChangerConfig>(current, changes, options.delete ?? [], deletableChangerProperties);
    document.replace(changerSection, normalised(value));
    if (changes.path !== undefined) refuseSharedPath(document, name, changes.path);
  };
  await updateConfig(installation, FILE, tapeSectionTypes, change, options.digest);
}

/** A changer that a drive refers to stays. */
export async function removeChanger(installation: Installation, name: string): Promise<void> {
  await updateConfig(installation, FILE, tapeSectionTypes, (document) => {
    requireChanger(document, name);
    const drives = [...document.list(ltoDriveSection), ...document.list(linuxDriveSection)];
    const users = drives.filter((drive) => drive.changer === name).map((drive) => `'${drive.name}'`);
    if (users.length > 0) {
      const message =
        `changer '${name}' is used by drive ${users.join(', ')}: remove the drive first, or take it out of the ` +
        "library ('proxmox-tape drive update NAME --delete changer')";
      throw new FerriteError('usage', 'changer-in-use', message);
    }
    document.remove(name);
  });
}

/** Slot numbers as PBS writes them: sorted as texts, and nothing at all for none. */
function normalised(changer: ChangerConfig): ChangerConfig {
  const { 'export-slots': text, ...rest } = changer;
  if (text === undefined) return changer;
  const slots = [...new Set(parseSlotList(text).map(String))].sort();
  return slots.length === 0 ? rest : { ...rest, 'export-slots': slots.join(',') };
}

function refuseSharedPath(document: ConfigDocument, name: string, path: string): void {
  const other = document.list(changerSection).find((changer) => changer.name !== name && changer.path === path);
  if (!other) return;
  throw new FerriteError(
    'usage',
    'path-in-use',
    `${path} is already used by changer '${other.name}': choose another path`,
  );
}

/** The name given, else the changer of the drive that commands without `--drive` mean. */
export async function chooseChanger(installation: Installation, given?: string): Promise<string> {
  if (given !== undefined) return given;
  const drive = await chooseDrive(installation);
  const changer = changerOf(drive);
  if (changer !== undefined) return changer;
  throw new FerriteError(
    'usage',
    'no-default-changer',
    `no default changer: drive '${drive.name}' has none; name one of 'proxmox-tape changer list'`,
  );
}
