/** Tape devices of this machine, and the sections of tape.cfg that mean them. */
import { listChangers } from '../config/changers.ts';
import { listDrives } from '../config/drives.ts';
import type { Installation } from '../config/installation.ts';
import type { DriveConfig } from '../config/tape_sections.ts';
import type { Device } from '../native.ts';
import { driveState } from './drives/drive_state.ts';

/** A device as `scan` lists it. */
export interface ScannedDevice {
  readonly kind: 'tape' | 'changer';
  readonly path: string;
  readonly vendor: string;
  readonly model: string;
  readonly serial: string;
  readonly major: number;
  readonly minor: number;
}

/** Devices with a name that survives a reboot. */
export async function scanDevices(kind: ScannedDevice['kind']): Promise<ScannedDevice[]> {
  const { scanDevices: scan } = await import('../native.ts');
  const devices = await scan();
  return devices.filter((device) => device.kind === kind && device.stable).map(scanned);
}

function scanned({ kind, path, vendor, model, serial, major, minor }: Device): ScannedDevice {
  return { kind, path, vendor, model, serial, major, minor };
}

type Identity = Partial<Pick<Device, 'vendor' | 'model' | 'serial'>>;

/** Who the device behind a path is; nothing while it is offline. */
async function identityOf(path: string): Promise<Identity> {
  const { findDevice } = await import('../native.ts');
  const device = await findDevice(path).catch(() => null);
  return device ? { vendor: device.vendor, model: device.model, serial: device.serial } : {};
}

export interface ChangerEntry extends Identity {
  readonly name: string;
  readonly path: string;
  readonly 'export-slots'?: string;
  readonly 'eject-before-unload'?: boolean;
}

export async function listConfiguredChangers(installation: Installation): Promise<ChangerEntry[]> {
  const changers = await listChangers(installation);
  return Promise.all(changers.map(async (changer) => ({ ...changer, ...(await identityOf(changer.path)) })));
}

export interface DriveEntry extends Identity {
  readonly name: string;
  readonly type: DriveConfig['type'];
  readonly path: string;
  readonly changer?: string;
  readonly 'changer-drivenum'?: number;
  readonly 'max-size'?: number;
  /** What the drive is used for, while it is. */
  readonly state?: string;
  /** What a drive that nobody uses says that it does. */
  readonly activity?: string;
}

export async function listConfiguredDrives(installation: Installation): Promise<DriveEntry[]> {
  const drives = await listDrives(installation);
  return Promise.all(
    drives.map(async (drive) => {
      const state = await driveState(installation, drive);
      if (drive.type === 'virtual') return { ...drive, ...(state !== undefined && { state }) };
      const identity = await identityOf(drive.path);
      // A drive in use is left alone: whoever asks it takes messages away that are meant for its user.
      const isFree = identity.serial !== undefined && state === undefined;
      const activity = isFree ? await driveActivity(drive) : undefined;
      return { ...drive, ...identity, ...(state !== undefined && { state }), ...(activity && { activity }) };
    }),
  );
}

/** A drive that does not answer is doing nothing that we know of. */
async function driveActivity({ name, path, type }: DriveConfig): Promise<string | undefined> {
  const { TapeDrive } = await import('../native.ts');
  try {
    const tape = await TapeDrive.open({ kind: type, name, path, passive: true });
    try {
      return (await tape.status()).driveActivity;
    } finally {
      await tape.close();
    }
  } catch {
    return undefined;
  }
}
