/**
 * Sections of tape.cfg for devices that are there: `drive create|update`, `changer create|update`. A path that is no tape
 * drive, or no changer, is refused before it gets into the file.
 */
import { resolve } from 'node:path';
import {
  addChanger,
  type ChangerChanges,
  changeChanger,
  type DeletableChangerProperty,
  listChangers,
} from '../config/changers.ts';
import {
  addDrive,
  changeDrive,
  type DeletableDriveProperty,
  type DriveChanges,
  driveConfig,
  listDrives,
} from '../config/drives.ts';
import type { Installation } from '../config/installation.ts';
import { isPbsInstalled } from '../config/pbs_presence.ts';
import type { UpdateOptions } from '../config/section_update.ts';
import type { ChangerConfig, DriveConfig, TapeDeviceConfig } from '../config/tape_sections.ts';
import { FerriteError } from '../errors.ts';
import type { Device } from '../native.ts';
import { isRewindingNode, isTapeNode } from './drives/tape_node.ts';

/** A new drive: virtual where it says so, else the tape device at its path. */
export interface NewDrive {
  name: string;
  path: string;
  /** Where not given, what the path is and what PBS would understand decides between `lto` and `linux`. */
  type?: DriveConfig['type'] | undefined;
  /** Bytes of a virtual tape. */
  'max-size'?: number | undefined;
  changer?: string | undefined;
  'changer-drivenum'?: number | undefined;
}

/** Resolves with what a person should know about it. */
export async function createDrive(installation: Installation, drive: NewDrive): Promise<string[]> {
  if (drive.type === 'virtual') {
    await addDrive(installation, { ...drive, type: 'virtual' } as DriveConfig);
    return [];
  }
  const device = await requireDevice(drive.path, 'tape');
  await refuseUsedDevice(await listDrives(installation), drive.name, device, 'drive');
  const { section, notes } = await tapeSection(installation, drive, device);
  await addDrive(installation, { ...drive, ...section } as DriveConfig);
  return notes;
}

/** Resolves with what a person should know about it. */
export async function updateDrive(
  installation: Installation,
  name: string,
  changes: DriveChanges,
  options: UpdateOptions<DeletableDriveProperty> = {},
): Promise<string[]> {
  const current = await driveConfig(installation, name);
  if (current.type === 'virtual' || changes.path === undefined) {
    await changeDrive(installation, name, changes, options);
    return [];
  }
  const device = await requireDevice(changes.path, 'tape');
  await refuseUsedDevice(await listDrives(installation), name, device, 'drive');
  const path = await pathForType(current.type, changes.path, device);
  await changeDrive(installation, name, { ...changes, path }, options);
  return path === resolve(changes.path) ? [] : [`stored as ${path}: drive '${name}' is of type ${current.type}`];
}

export async function createChanger(installation: Installation, changer: ChangerConfig): Promise<void> {
  const path = await changerPath(installation, changer.name, changer.path);
  await addChanger(installation, { ...changer, path });
}

export async function updateChanger(
  installation: Installation,
  name: string,
  changes: ChangerChanges,
  options: UpdateOptions<DeletableChangerProperty> = {},
): Promise<void> {
  const path = changes.path === undefined ? undefined : await changerPath(installation, name, changes.path);
  await changeChanger(installation, name, { ...changes, path }, options);
}

async function changerPath(installation: Installation, name: string, path: string): Promise<string> {
  const device = await requireDevice(path, 'changer');
  await refuseUsedDevice(await listChangers(installation), name, device, 'changer');
  return resolve(path);
}

const WANTED = { tape: 'tape drive', changer: 'changer' };

async function requireDevice(path: string, kind: Device['kind']): Promise<Device> {
  const { findDevice } = await import('../native.ts');
  const device = await findDevice(resolve(path));
  if (device?.kind === kind) return device;
  const command = kind === 'tape' ? 'drive scan' : 'changer scan';
  const what = device ? `is a ${WANTED[device.kind]}` : `is no ${WANTED[kind]}`;
  throw new FerriteError('usage', 'wrong-device', `${path} ${what}: 'proxmox-tape ${command}' lists what there is`);
}

/** The same device under another path is the same device. */
async function refuseUsedDevice(
  sections: readonly { readonly name: string; readonly path: string; readonly type?: string }[],
  name: string,
  device: Device,
  what: string,
): Promise<void> {
  const { findDevice } = await import('../native.ts');
  for (const section of sections) {
    if (section.name === name || section.type === 'virtual') continue;
    const other = await findDevice(section.path).catch(() => null);
    if (other?.node !== device.node) continue;
    const message = `${device.node} is already used by ${what} '${section.name}' (${section.path}): choose another path`;
    throw new FerriteError('usage', 'path-in-use', message);
  }
}

/**
 * Type and path of a new section (D8). A PBS that knows `lto:` refuses a whole file with a `linux:` section, so one is
 * written only where no such PBS can be meant.
 */
export async function tapeSection(
  installation: Installation,
  drive: NewDrive,
  device: Device,
): Promise<{ section: Pick<TapeDeviceConfig, 'type' | 'path'>; notes: string[] }> {
  const type = (drive.type as TapeDeviceConfig['type'] | undefined) ?? (await chooseType(installation, drive.path));
  const path = await pathForType(type, drive.path, device);
  const isAsGiven = path === resolve(drive.path);
  const notes = isAsGiven ? [] : [`stored as ${type}: ${path}, which is the same drive in the form that PBS knows`];
  return { section: { type, path }, notes };
}

async function chooseType(installation: Installation, path: string): Promise<TapeDeviceConfig['type']> {
  if (!(await isTapeNode(path))) return 'lto';
  const drives = await listDrives(installation);
  const isShared = drives.some((drive) => drive.type === 'lto') || (await isPbsInstalled(installation));
  return isShared ? 'lto' : 'linux';
}

/** `lto:` sections have the sg node, `linux:` sections the non-rewinding tape node; a path that fits stays as it was given. */
async function pathForType(type: TapeDeviceConfig['type'], path: string, device: Device): Promise<string> {
  const isTape = await isTapeNode(path);
  if (type === 'lto') return isTape ? device.path : resolve(path);
  const fits = isTape && !(await isRewindingNode(path));
  return fits || device.tapePath === undefined ? resolve(path) : device.tapePath;
}
