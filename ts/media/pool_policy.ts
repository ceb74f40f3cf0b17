/** A pool's rules, read from its configuration, and the state they are applied to. */
import {
  type AllocationPolicy,
  DEFAULT_ALLOCATION,
  DEFAULT_RETENTION,
  parseAllocation,
  parseRetention,
  type RetentionPolicy,
} from '../config/media_policy.ts';
import type { PoolConfig } from '../config/pool_sections.ts';
import type { InventoryEntry } from '../native.ts';
import type { MediaSession } from './location.ts';
import type { MediaSet } from './membership.ts';

export interface PoolPolicy {
  readonly name: string;
  readonly allocation: AllocationPolicy;
  readonly retention: RetentionPolicy;
  /** Of the names of media sets. */
  readonly template: string | undefined;
  /** Fingerprint of the tape key, in lower case; undefined: not encrypted. */
  readonly encrypt: string | undefined;
  /** Time zone of calendar events and set names, as in `nextEvent`. */
  readonly zone: string;
}

export function poolPolicy(config: PoolConfig, zone: string): PoolPolicy {
  return {
    name: config.name,
    allocation: parseAllocation(config.allocation ?? DEFAULT_ALLOCATION),
    retention: parseRetention(config.retention ?? DEFAULT_RETENTION),
    template: config.template,
    encrypt: config.encrypt?.toLowerCase(),
    zone,
  };
}

/** What decisions about the tapes of a pool are made from. Plain data: the same state gives the same decision. */
export interface PoolState {
  readonly pool: PoolPolicy;
  /** All known tapes, also those of other pools. */
  readonly entries: readonly InventoryEntry[];
  /** The current media set of the pool. */
  readonly set: MediaSet;
  readonly session: MediaSession;
}
