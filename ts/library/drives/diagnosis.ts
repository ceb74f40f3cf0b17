/** What a tape and its drive remember: cartridge memory and volume statistics (cli.md 4.3). */
import type { Installation } from '../../config/installation.ts';
import { FerriteError } from '../../errors.ts';
import type { CartridgeAttribute, VolumeStatistics } from '../../native.ts';
import { type DriveAccess, type OpenDrive, withDrive } from './drive.ts';

export function cartridgeMemory(installation: Installation, access: DriveAccess): Promise<CartridgeAttribute[]> {
  return withDrive(installation, access, 'reading cartridge memory', async (drive) => {
    requireTapeDevice(drive);
    return drive.tape.cartridgeMemory();
  });
}

export function volumeStatistics(installation: Installation, access: DriveAccess): Promise<VolumeStatistics> {
  return withDrive(installation, access, 'reading volume statistics', async (drive) => {
    requireTapeDevice(drive);
    return drive.tape.volumeStatistics();
  });
}

function requireTapeDevice({ name, config }: OpenDrive): void {
  if (config.type !== 'virtual') return;
  throw new FerriteError('usage', 'drive-type', `drive '${name}' is virtual: its tapes have no memory of their own`);
}
