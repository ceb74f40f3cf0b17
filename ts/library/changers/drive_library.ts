/** What serves a drive with tapes: a robot, or a virtual drive itself. Nothing above asks which of them it is. */
import type { WorkLog } from '../../log.ts';
import type { LibraryElements } from './elements.ts';

export interface DriveLibrary {
  /** As the locations of tapes name it. */
  readonly name: string;
  /** From now on movements and waiting are told to this log. */
  tell(log: WorkLog): void;
  /** What stands where, asked now. */
  elements(): Promise<LibraryElements>;
  /** Bar codes that jobs can reach, asked now. */
  onlineLabels(): Promise<string[]>;
  /** Brings a tape into the drive, and the one that is there out of it; then waits until it can be used. */
  load(labelText: string): Promise<void>;
  loadFromSlot(slot: number): Promise<void>;
  /** Empties the drive: into the slot given, else where the tape came from, else into the first free slot. */
  unload(targetSlot?: number): Promise<void>;
  /** As `unload`, and fine when there is no tape. */
  empty(): Promise<void>;
  /** Brings a tape to where a person can take it out; resolves with the number of the slot. */
  exportTape(labelText: string): Promise<number>;
  /** Cleans the drive with a cleaning cartridge of the library. */
  clean(log: WorkLog): Promise<void>;
}
