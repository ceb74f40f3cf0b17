/** Values of parameters, from configuration and inventory: what `bashcomplete` offers. */
import { listDatastores } from '../../config/datastores.ts';
import { listChangerNames, listDrives } from '../../config/drives.ts';
import type { Installation } from '../../config/installation.ts';
import { listJobConfigs } from '../../config/jobs.ts';
import { listTargets } from '../../config/notify.ts';
import { listPools } from '../../config/pools.ts';
import type { ScannedDevice } from '../../library/devices.ts';
import type { InventoryEntry } from '../../native.ts';
import type { Completer } from '../grammar/program.ts';

const names = (sections: readonly { readonly name: string }[]): string[] => sections.map(({ name }) => name);

/** Something of every tape in the inventory, each value once, sorted. */
function ofMedia(pick: (entry: InventoryEntry) => string | undefined): Completer {
  return async (installation: Installation) => {
    const { InventoryFile } = await import('../../media/inventory_file.ts');
    const { entries } = await new InventoryFile(installation).load();
    return [...new Set(entries.flatMap((entry) => pick(entry) ?? []))].sort();
  };
}

/** Paths of devices that could be configured. */
const devices =
  (kind: ScannedDevice['kind']): Completer =>
  async () => {
    const { scanDevices } = await import('../../library/devices.ts');
    return (await scanDevices(kind)).map(({ path }) => path);
  };

export const completers: Readonly<Record<string, Completer>> = {
  changer: listChangerNames,
  'changer-path': devices('changer'),
  drive: async (installation) => names(await listDrives(installation)),
  'drive-path': devices('tape'),
  job: async (installation) => (await listJobConfigs(installation)).map(({ id }) => id),
  key: async (installation) => {
    const { listKeys } = await import('../../keys/keys.ts');
    return (await listKeys(installation)).flatMap(({ fingerprint }) => fingerprint ?? []);
  },
  'label-text': ofMedia(({ label }) => label.labelText),
  media: ofMedia(({ label }) => label.uuid),
  'media-set': ofMedia(({ mediaSetLabel }) => mediaSetLabel?.uuid),
  notification: async (installation) => names(await listTargets(installation)),
  pool: async (installation) => names(await listPools(installation)),
  schedule: async () => ['minutely', 'hourly', 'daily', 'mon..fri 0:0'],
  store: async (installation) => names(await listDatastores(installation)),
};
