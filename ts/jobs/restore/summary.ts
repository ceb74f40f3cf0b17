/** What a restore is to do and did, and what of it is a failure. */
import type { StoreMapping } from '../../config/store_mapping.ts';
import { FerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { DriveEvent, StoreTarget } from '../../native.ts';
import type { ClaimedDatastore } from '../datastore/datastores.ts';

export interface RestoreSummary {
  mediaSetUuid: string;
  restored: {
    store: string;
    snapshot: string;
    /** Datastore. */
    target: string;
    /** Its path there, where namespaces are mapped or snapshots were chosen. */
    restoredAs?: string;
    labelText: string;
    fileNumber: number;
  }[];
  /** Snapshots that their target had. */
  existing: { store: string; snapshot: string }[];
  /** Snapshots whose source is not mapped. */
  skipped: { store: string; snapshot: string }[];
  /** Whole archives of snapshots whose chunks are not all on the tapes; they were not restored. */
  lost: { store: string; snapshot: string; labelText: string; fileNumber: number; message: string }[];
  /** What an interrupted job left unfinished on the tapes: nobody was told that it was safe. */
  unfinished: { labelText: string; fileNumber: number; message: string }[];
  chunksRestored: number;
  chunksPresent: number;
  bytesRead: number;
  bytesRestored: number;
  /** Time spent reading tapes, in seconds. */
  seconds: number;
  media: { labelText: string; uuid: string; seqNr: number }[];
}

export function emptySummary(mediaSetUuid: string): RestoreSummary {
  return {
    mediaSetUuid,
    restored: [],
    existing: [],
    skipped: [],
    lost: [],
    unfinished: [],
    chunksRestored: 0,
    chunksPresent: 0,
    bytesRead: 0,
    bytesRestored: 0,
    seconds: 0,
    media: [],
  };
}

/** A typing error in the name of a source would restore nothing without a word. Undefined: there is none. */
export function idleMappings(
  sources: Iterable<string>,
  archived: readonly { readonly store: string }[],
  mediaSetUuid: string,
): string | undefined {
  const found = new Set(archived.map(({ store }) => store));
  const idle = [...sources].filter((source) => source !== '' && !found.has(source)).map((source) => `'${source}'`);
  return idle.length > 0 ? `no snapshot of ${idle.join(', ')} is in media set ${mediaSetUuid}` : undefined;
}

/** A snapshot may be on the tapes twice: then only one of its archives has to be whole. */
export function failIfLost(summary: RestoreSummary): void {
  const whole = new Set(
    [...summary.restored, ...summary.existing].map(({ store, snapshot }) => `${store}:${snapshot}`),
  );
  const lost = summary.lost.filter(({ store, snapshot }) => !whole.has(`${store}:${snapshot}`));
  if (lost.length === 0) return;
  const list = lost.map(({ labelText, fileNumber, message }) => `tape '${labelText}', file ${fileNumber}: ${message}`);
  throw new FerriteError(
    'data',
    'snapshots-lost',
    `everything else is restored, but ${lost.length} snapshots are not whole on the tapes:\n${list.join('\n')}`,
  );
}

/** What the drive tells of a tape; `fraction` of the whole is done before it. */
export function restoreListener(labelText: string, log: WorkLog, fraction?: number): (event: DriveEvent) => void {
  return (event) => tellEvent(event, labelText, fraction, log);
}

function tellEvent(event: DriveEvent, labelText: string, fraction: number | undefined, log: WorkLog): void {
  const name = `${event.store}:${event.snapshot}`;
  switch (event.kind) {
    case 'chunk-archive':
      log.info(`file ${event.fileNumber}: ${event.chunks} chunks of store ${event.store}`);
      break;
    case 'snapshot-archive':
      log.info(`file ${event.fileNumber}: snapshot ${name}`);
      break;
    case 'snapshot-skipped':
      log.info(`skip snapshot ${name}: ${event.message}`);
      break;
    case 'progress':
      log.progress({
        activity: `tape '${labelText}'`,
        doneBytes: event.bytes ?? 0,
        ...(fraction !== undefined && { fraction }),
      });
      break;
    case 'warning':
      log.warn(`tape '${labelText}': ${event.message}`);
      break;
    case 'log':
      log.info(event.message ?? '');
      break;
  }
}

/** Targets by source, as the Rust core takes them: the empty text is every other source. */
export function storeTargets(mapping: StoreMapping, stores: readonly ClaimedDatastore[]): StoreTarget[] {
  const options = new Map(stores.map((claimed) => [claimed.store.name, claimed.options]));
  const named = [
    ...mapping.sources,
    ...(mapping.defaultTarget === undefined ? [] : [['', mapping.defaultTarget] as const]),
  ];
  return named.flatMap(([source, name]) => {
    const target = options.get(name);
    return target ? [{ source, target }] : [];
  });
}
