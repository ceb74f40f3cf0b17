/** Values of parameters, from configuration and inventory: what `bashcomplete` offers. */
import { listDatastores } from '../../config/datastores.ts';
import { listDrives } from '../../config/drives.ts';
import { listPools } from '../../config/pools.ts';
import type { Completer } from '../grammar/program.ts';

const names = (sections: readonly { readonly name: string }[]): string[] => sections.map(({ name }) => name);

export const completers: Readonly<Record<string, Completer>> = {
  drive: async (installation) => names(await listDrives(installation)),
  pool: async (installation) => names(await listPools(installation)),
  store: async (installation) => names(await listDatastores(installation)),
};
