/** Datastores in use: made, opened and closed through the Rust core, with what the configuration says about them. */
import { createDatastore as addDatastore, claimDatastore, type UsableDatastore } from '../../config/datastores.ts';
import type { Installation } from '../../config/installation.ts';
import { toFerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { Datastore, StoreEvent, StoreOptions } from '../../native.ts';

/** What the Rust core needs to know of a datastore. */
export function storeOptions(installation: Installation, store: UsableDatastore): StoreOptions {
  return {
    name: store.name,
    path: store.path,
    runDir: installation.paths.runDir,
    chunkOrder: store.chunkOrder,
    syncLevel: store.syncLevel,
    ...(installation.owner && { owner: installation.owner }),
  };
}

export interface NewDatastore {
  name: string;
  /** Missing, empty, or an existing datastore, which is adopted as it is. */
  path: string;
  comment?: string;
}

/** Makes a datastore, or adopts an existing one without altering it, and configures it. */
export async function createDatastore(installation: Installation, store: NewDatastore): Promise<void> {
  await addDatastore(installation, store, async (path) => {
    const { Datastore: native } = await import('../../native.ts');
    const usable = { name: store.name, path, chunkOrder: 'inode', syncLevel: 'filesystem' } as const;
    (await native.create(storeOptions(installation, usable))).close();
  });
}

export interface ClaimedDatastore {
  readonly store: Datastore;
  readonly options: StoreOptions;
}

/** Opens datastores one after the other and counts as a user of each until `work` ends. An abort stops what runs on them. */
export async function withDatastores<T>(
  installation: Installation,
  names: readonly string[],
  useFor: 'read' | 'write',
  signal: AbortSignal | undefined,
  work: (stores: ClaimedDatastore[]) => Promise<T>,
): Promise<T> {
  const { Datastore: native } = await import('../../native.ts');
  const claimed: ClaimedDatastore[] = [];
  const abort = (): void => {
    for (const { store } of claimed) store.cancel();
  };
  try {
    for (const name of names) {
      claimed.push(
        await claimDatastore(installation, name, useFor, async (usable) => {
          const options = storeOptions(installation, usable);
          return { options, store: await native.open({ ...options, useFor }) };
        }),
      );
    }
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) throw toFerriteError(signal.reason);
    return await work(claimed);
  } finally {
    signal?.removeEventListener('abort', abort);
    for (const { store } of claimed) store.close();
  }
}

export async function withDatastore<T>(
  installation: Installation,
  name: string,
  useFor: 'read' | 'write',
  signal: AbortSignal | undefined,
  work: (claimed: ClaimedDatastore) => Promise<T>,
): Promise<T> {
  return withDatastores(installation, [name], useFor, signal, ([claimed]) => work(claimed as ClaimedDatastore));
}

/** Passes what the core tells on to a log. */
export function storeListener(log: WorkLog, activity: string): (event: StoreEvent) => void {
  return (event) => {
    if (event.kind === 'warning') log.warn(event.message ?? '');
    else if (event.kind === 'log') log.info(event.message ?? '');
    else {
      log.progress({
        activity: event.item ?? activity,
        ...(event.bytes !== undefined && { doneBytes: event.bytes }),
        ...(event.total !== undefined && { totalBytes: event.total }),
        ...(event.total && { fraction: Math.min(1, (event.bytes ?? 0) / event.total) }),
      });
    }
  };
}
