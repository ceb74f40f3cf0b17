/** The commands of pmtx, and the modules that declare them. */
import type { CommandIndex } from '../grammar/tree.ts';

export const commands: CommandIndex = {
  inquiry: { load: () => import('./inquiry.ts') },
  inventory: { load: () => import('./inventory.ts') },
  load: { load: () => import('./load.ts') },
  scan: { load: () => import('./scan.ts') },
  status: { load: () => import('./status.ts') },
  transfer: { load: () => import('./transfer.ts') },
  unload: { load: () => import('./unload.ts') },
};
