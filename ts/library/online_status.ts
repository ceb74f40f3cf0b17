/** Where tapes are, as the changers see it now (behaviour.md 18). */
import { listChangers } from '../config/changers.ts';
import { listChangerNames, listDrives } from '../config/drives.ts';
import type { Installation } from '../config/installation.ts';
import { toFerriteError } from '../errors.ts';
import type { WorkLog } from '../log.ts';
import type { Inventory } from '../media/inventory.ts';
import { InventoryFile } from '../media/inventory_file.ts';
import { onlineUpdate } from '../media/online.ts';
import { Changer } from './changers/changer.ts';
import { onlineLabels } from './changers/elements.ts';
import { virtualElements } from './changers/virtual_library.ts';
import type { ReservedDrive } from './drives/drive.ts';

/** Asks the library of a drive and stores where its tapes are. Without one nothing is known. */
export async function updateOnlineStatus(
  installation: Installation,
  drive: ReservedDrive,
  log: WorkLog,
): Promise<Inventory> {
  if (!drive.library) return new InventoryFile(installation).load();
  const seen = new Map([[drive.library.name, await drive.library.onlineLabels()]]);
  return storeOnlineStatus(installation, seen, (warning) => log.warn(warning));
}

/** Stores what changers reported: the label texts that jobs can reach in each of them. */
export async function storeOnlineStatus(
  installation: Installation,
  seen: ReadonlyMap<string, readonly string[]>,
  warn: (message: string) => void,
): Promise<Inventory> {
  const configured = new Set(await listChangerNames(installation));
  return new InventoryFile(installation).update((inventory) => {
    const update = onlineUpdate(inventory.entries, { seen, configured });
    update.warnings.forEach(warn);
    return inventory.withOnlineUpdate(update);
  });
}

/** Asks every changer and virtual drive, or the one named. Those that do not answer are warned of: what was known stays. */
export async function updateAllOnlineStatus(
  installation: Installation,
  only: string | undefined,
  warn: (message: string) => void,
): Promise<void> {
  await storeOnlineStatus(installation, await askChangers(installation, only, warn), warn);
}

/** What every changer and virtual drive, or the one named, holds now: the label texts that jobs can reach. */
export async function askChangers(
  installation: Installation,
  only: string | undefined,
  warn: (message: string) => void,
): Promise<Map<string, readonly string[]>> {
  const asked = [...(await changersToAsk(installation)), ...(await virtualDrivesToAsk(installation))].filter(
    ({ name }) => only === undefined || name === only,
  );
  if (only !== undefined && asked.length === 0) warn(`no changer '${only}' to ask`);
  const seen = new Map<string, readonly string[]>();
  for (const { name, labels } of asked) {
    try {
      seen.set(name, await labels());
    } catch (error) {
      warn(`cannot ask changer '${name}' for its tapes: ${toFerriteError(error).message}`);
    }
  }
  return seen;
}

interface AskedChanger {
  readonly name: string;
  labels(): Promise<string[]>;
}

async function changersToAsk(installation: Installation): Promise<AskedChanger[]> {
  return (await listChangers(installation)).map((config) => ({
    name: config.name,
    labels: () => Changer.use(installation, config, {}, async (changer) => onlineLabels(await changer.look())),
  }));
}

/** Virtual drives are looked at from outside: somebody may be using them. */
async function virtualDrivesToAsk(installation: Installation): Promise<AskedChanger[]> {
  const drives = await listDrives(installation);
  return drives
    .filter((drive) => drive.type === 'virtual')
    .map(({ name, path }) => ({
      name,
      async labels() {
        const { listVirtualSlots } = await import('../native.ts');
        return onlineLabels(virtualElements(await listVirtualSlots(path)));
      },
    }));
}
