/** What `changer status`, `changer transfer` and the list of changers tell (behaviour.md section 18). */
import { changerConfig, chooseChanger } from '../../config/changers.ts';
import { changerOf, listDrives } from '../../config/drives.ts';
import type { Installation } from '../../config/installation.ts';
import type { DriveConfig } from '../../config/tape_sections.ts';
import { driveState } from '../drives/drive_state.ts';
import { storeOnlineStatus } from '../online_status.ts';
import { Changer } from './changer.ts';
import { readChangerCache } from './changer_cache.ts';
import { type ElementEntry, elementEntries, type LibraryElements, markExportSlots, onlineLabels } from './elements.ts';
import { planTransfer } from './moves.ts';
import { virtualElements } from './virtual_library.ts';

export interface ChangerStatusRequest {
  /** A changer, or a virtual drive, which is its own; the changer of the default drive where not given. */
  name?: string | undefined;
  /** Take what was reported last (default true). */
  cache?: boolean | undefined;
}

/** What stands where; the locations of the tapes are stored on the way. */
export async function changerStatus(
  installation: Installation,
  request: ChangerStatusRequest,
  warn: (message: string) => void = () => {},
): Promise<ElementEntry[]> {
  const name = await chooseChanger(installation, request.name);
  const drives = (await listDrives(installation)).filter((drive) => changerOf(drive) === name);
  const elements = await libraryElements(installation, name, drives, request.cache ?? true, warn);
  await storeOnlineStatus(installation, new Map([[name, onlineLabels(elements)]]), warn);
  const states = await driveStates(installation, drives);
  return elementEntries(elements, (number) => states.get(number));
}

async function libraryElements(
  installation: Installation,
  name: string,
  drives: readonly DriveConfig[],
  useCache: boolean,
  info: (message: string) => void,
): Promise<LibraryElements> {
  const virtual = drives.find((drive) => drive.type === 'virtual');
  if (virtual) {
    const { listVirtualSlots } = await import('../../native.ts');
    return virtualElements(await listVirtualSlots(virtual.path));
  }
  const config = await changerConfig(installation, name);
  const cached = useCache ? await readChangerCache(installation, name) : undefined;
  if (cached) return markExportSlots(cached, config['export-slots']);
  return Changer.use(installation, config, { info }, (changer) => changer.look());
}

/** By drive number; of drives that nobody uses nothing. */
async function driveStates(installation: Installation, drives: readonly DriveConfig[]): Promise<Map<number, string>> {
  const states = new Map<number, string>();
  for (const drive of drives) {
    const state = await driveState(installation, drive);
    const number = drive.type === 'virtual' ? 0 : (drive['changer-drivenum'] ?? 0);
    if (state !== undefined) states.set(number, state);
  }
  return states;
}

/** Moves what is in one slot to another. */
export async function transferMedia(
  installation: Installation,
  request: { name?: string | undefined; from: number; to: number },
  info?: (message: string) => void,
): Promise<void> {
  const name = await chooseChanger(installation, request.name);
  const config = await changerConfig(installation, name);
  await Changer.use(installation, config, { info }, (changer) =>
    changer.perform((elements) => planTransfer(elements, request.from, request.to)),
  );
}
