/** The words of every command, and the module that declares it: the folders below this one mirror the words. */
import type { CommandIndex } from '../grammar/tree.ts';

export const commands: CommandIndex = {
  'datastore config': { load: () => import('./datastore/config.ts') },
  'datastore create': { load: () => import('./datastore/create.ts') },
  'datastore list': { load: () => import('./datastore/list.ts') },
  'datastore remove': { load: () => import('./datastore/remove.ts') },
  'drive config': { load: () => import('./drive/config.ts') },
  'drive create': { load: () => import('./drive/create.ts') },
  'drive list': { load: () => import('./drive/list.ts') },
  'drive remove': { load: () => import('./drive/remove.ts') },
  'drive update': { load: () => import('./drive/update.ts') },
  eod: { load: () => import('./eod.ts') },
  'pool config': { load: () => import('./pool/config.ts') },
  'pool create': { load: () => import('./pool/create.ts') },
  'pool list': { load: () => import('./pool/list.ts') },
  'pool remove': { load: () => import('./pool/remove.ts') },
  'pool update': { load: () => import('./pool/update.ts') },
  scan: { load: () => import('./scan.ts') },
  'snapshot extract': { load: () => import('./snapshot/extract.ts') },
  'snapshot import': { load: () => import('./snapshot/import.ts') },
  'snapshot list': { load: () => import('./snapshot/list.ts') },
  'snapshot verify': { load: () => import('./snapshot/verify.ts') },
  status: { load: () => import('./status.ts') },
};
