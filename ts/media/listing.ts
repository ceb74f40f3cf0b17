/** Tapes as `proxmox-tape media list` shows them: what a job would find now, without locks, nothing stored. */
import type { InventoryEntry } from '../native.ts';
import { isExpired } from './expiry.ts';
import { formatLocation, parseLocation } from './location.ts';
import { emptySet, poolOf, setLabelOf, setStartTime, ZERO_UUID } from './membership.ts';
import { mediaSetName } from './naming.ts';
import type { PoolPolicy, PoolState } from './pool_policy.ts';
import { startSession } from './session_start.ts';
import { type MediaStatus, mediaStatus } from './status.ts';

export interface MediaListEntry {
  'label-text': string;
  uuid: string;
  ctime: number;
  location: string;
  status: MediaStatus;
  expired: boolean;
  /** Whether the media catalog is there; true for tapes without content. */
  catalog: boolean;
  'media-set-name'?: string;
  'media-set-uuid'?: string;
  'media-set-ctime'?: number;
  'seq-nr'?: number;
  pool?: string;
  'bytes-used'?: number;
}

export interface ListingRequest {
  readonly entries: readonly InventoryEntry[];
  readonly pools: readonly PoolPolicy[];
  /** Only the tapes of this pool. */
  readonly pool?: string | undefined;
  readonly now: number;
  readonly zone: string;
  readonly hasCatalog: (mediaUuid: string) => boolean;
}

/** Sorted by pool, media set, sequence number, label. */
export function listMedia(request: ListingRequest): MediaListEntry[] {
  const states = new Map(request.pools.map((pool) => [pool.name, listingState(request, pool)]));
  return request.entries
    .filter((entry) => request.pool === undefined || poolOf(entry) === request.pool)
    .map((entry) => listEntry(request, entry, states.get(poolOf(entry) ?? '')))
    .sort(compareListed);
}

/** The state that a job of this pool would see, had it every tape on site at hand. */
function listingState({ entries, now }: ListingRequest, pool: PoolPolicy): PoolState {
  const session = { kind: 'listing' } as const;
  const { set } = startSession({ pool, entries, session, now, newUuid: () => ZERO_UUID });
  return { pool, entries, set, session };
}

function listEntry(request: ListingRequest, entry: InventoryEntry, state: PoolState | undefined): MediaListEntry {
  const pool = poolOf(entry);
  const set = setLabelOf(entry);
  const status = pool === undefined ? mediaStatus(entry, undefined, emptySet(ZERO_UUID)) : undefined;
  const ctime = set && (setStartTime(request.entries, set.uuid) ?? set.ctime);
  return {
    'label-text': entry.label.labelText,
    uuid: entry.label.uuid,
    ctime: entry.label.ctime,
    location: formatLocation(parseLocation(entry.location)),
    status: status ?? (state ? mediaStatus(entry, pool, state.set) : 'unknown'),
    expired: state ? isExpired(state, entry, request.now) : false,
    catalog: !set || request.hasCatalog(entry.label.uuid),
    ...(set && {
      'media-set-name': mediaSetName(request.entries, set.uuid, state?.pool.template, request.zone),
      'media-set-uuid': set.uuid,
      ...(ctime !== undefined && { 'media-set-ctime': ctime }),
      'seq-nr': set.seqNr,
    }),
    ...(pool !== undefined && { pool }),
    ...(entry.bytesUsed !== undefined && { 'bytes-used': entry.bytesUsed }),
  };
}

function compareListed(a: MediaListEntry, b: MediaListEntry): number {
  return (
    compareText(a.pool, b.pool) ||
    compareText(a['media-set-uuid'], b['media-set-uuid']) ||
    (a['seq-nr'] ?? -1) - (b['seq-nr'] ?? -1) ||
    compareText(a['label-text'], b['label-text'])
  );
}

/** By bytes, absent first. */
function compareText(a: string | undefined, b: string | undefined): number {
  return Buffer.compare(Buffer.from(a ?? ''), Buffer.from(b ?? ''));
}

/** A media set as `proxmox-tape media-set list` shows it. */
export interface MediaSetEntry {
  'media-set-name': string;
  'media-set-uuid': string;
  /** Epoch seconds: when its first tape joined, or the first of those that are known. */
  'media-set-ctime': number;
  pool: string;
  /** Known tapes. */
  tapes: number;
  /** Tapes that must exist and are not known; the set can be restored only in part. */
  missing: number;
}

/** Sorted by pool and start. `templates`: of pools by name; those without configuration have the default. */
export function listMediaSets(
  entries: readonly InventoryEntry[],
  templates: ReadonlyMap<string, string | undefined>,
  zone: string,
): MediaSetEntry[] {
  const labels = entries.flatMap((entry) => setLabelOf(entry) ?? []);
  return [...new Set(labels.map(({ uuid }) => uuid))]
    .map((uuid) => {
      const members = labels.filter((label) => label.uuid === uuid);
      const pool = members[0]?.pool ?? '';
      const numbers = new Set(members.map(({ seqNr }) => seqNr));
      return {
        'media-set-name': mediaSetName(entries, uuid, templates.get(pool), zone),
        'media-set-uuid': uuid,
        'media-set-ctime': setStartTime(entries, uuid) ?? Math.min(...members.map(({ ctime }) => ctime)),
        pool,
        tapes: members.length,
        missing: Math.max(...numbers) + 1 - numbers.size,
      };
    })
    .sort(
      (a, b) =>
        compareText(a.pool, b.pool) ||
        a['media-set-ctime'] - b['media-set-ctime'] ||
        compareText(a['media-set-uuid'], b['media-set-uuid']),
    );
}
