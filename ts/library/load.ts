/** Moves tapes in and out of a drive (behaviour.md 16), by its library or, where there is none, by the drive alone. */
import type { WorkLog } from '../log.ts';
import { type ReservedDrive, requireLibrary } from './drives/drive.ts';

/** Loads the tape with this label text. */
export async function loadMedia(drive: ReservedDrive, labelText: string, log: WorkLog): Promise<void> {
  const library = requireLibrary(drive, log);
  log.info(`loading tape '${labelText}' into drive '${drive.name}'`);
  await library.load(labelText);
}

/** Loads whatever is in a slot. */
export async function loadMediaFromSlot(drive: ReservedDrive, slot: number, log?: WorkLog): Promise<void> {
  await requireLibrary(drive, log).loadFromSlot(slot);
}

/** Takes the tape out of the drive: into the slot given, or to where it came from. */
export async function unloadMedia(drive: ReservedDrive, log: WorkLog, targetSlot?: number): Promise<void> {
  await requireLibrary(drive, log).unload(targetSlot);
}

/** With a library back to its place, else out of the drive. */
export async function ejectMedia(drive: ReservedDrive, log: WorkLog): Promise<void> {
  if (drive.library) {
    drive.library.tell(log);
    await drive.library.empty();
  } else await drive.handle.use(log.signal, (tape) => tape.eject());
}

/** Brings a tape to where a person can take it out; resolves with the number of the import/export slot. */
export async function exportMedia(drive: ReservedDrive, labelText: string, log?: WorkLog): Promise<number> {
  return requireLibrary(drive, log).exportTape(labelText);
}

/** Cleans the drive with a cleaning cartridge of its library. */
export async function cleanDrive(drive: ReservedDrive, log: WorkLog): Promise<void> {
  await requireLibrary(drive, log).clean(log);
}
