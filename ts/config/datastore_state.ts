/** What the properties of a datastore allow: maintenance, backend, tuning (spec/since-3.2.4.md F18-F22). */
import type { DatastoreConfig } from './datastore_section.ts';
import { parsePropertyString } from './property_string.ts';

/** `lookup` lists names and configuration; `read` opens snapshots; `write` adds some. */
export type DatastoreUse = 'lookup' | 'read' | 'write';

/** A property string as PBS may have written it in any version; one that does not parse is empty. */
function readProperties(text: string | undefined, defaultKey?: string): Map<string, string> {
  try {
    return parsePropertyString(text ?? '', defaultKey);
  } catch {
    return new Map();
  }
}

export interface MaintenanceMode {
  /** `read-only`, `offline`, `delete`, `unmount`, `s3-refresh`, or what a newer PBS wrote. */
  type: string;
  message?: string;
}

export function maintenanceMode(store: DatastoreConfig): MaintenanceMode | undefined {
  const text = store['maintenance-mode'];
  if (text === undefined) return undefined;
  const properties = readProperties(text, 'type');
  const message = properties.get('message');
  return { type: properties.get('type') ?? text, ...(message !== undefined && { message: percentDecoded(message) }) };
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Why the store must not be used this way, as the end of a sentence that names it. */
export function datastoreRestriction(store: DatastoreConfig, use: DatastoreUse): string | undefined {
  const backend = readProperties(store.backend).get('type');
  if (use !== 'lookup' && backend !== undefined && backend !== 'filesystem') {
    return `keeps its data in another place (backend ${backend}): for tape, sync it to a datastore on a file system first`;
  }
  const mode = maintenanceMode(store);
  if (!mode) return undefined;
  const reason = `is in maintenance mode '${mode.type}'${mode.message ? ` (${mode.message})` : ''}: try again after it has ended`;
  if (use === 'lookup') return mode.type === 'delete' ? reason : undefined;
  // Modes that this version does not know forbid everything.
  return mode.type === 'read-only' && use === 'read' ? undefined : reason;
}

export interface DatastoreTuning {
  /** The order in which PBS reads chunks. */
  chunkOrder: 'inode' | 'none';
  syncLevel: 'none' | 'file' | 'filesystem';
}

export function datastoreTuning(store: DatastoreConfig): DatastoreTuning {
  const properties = readProperties(store.tuning);
  const syncLevel = properties.get('sync-level');
  return {
    chunkOrder: properties.get('chunk-order') === 'none' ? 'none' : 'inode',
    syncLevel: syncLevel === 'none' || syncLevel === 'file' ? syncLevel : 'filesystem',
  };
}
