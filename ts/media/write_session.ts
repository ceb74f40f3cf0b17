/**
 * The tapes of one backup job: starts or continues the media set, then hands out tapes until the job ends. Decides by
 * session_start.ts and allocation.ts; this module does the locking and keeps the inventory and the catalogs in step.
 */
import type { HeldLock } from '../config/file_lock.ts';
import { type Installation, now } from '../config/installation.ts';
import { FerriteError, toFerriteError } from '../errors.ts';
import type { InventoryEntry, MediaSetLabel, TapeLabels } from '../native.ts';
import { type AllocationDecision, decideAllocation, type TapeSource } from './allocation.ts';
import type { InventoryFile } from './inventory_file.ts';
import type { MediaSession } from './location.ts';
import { lockPool, lockSetOfPool, type SetChoice, tryLockMediaSet } from './media_locks.ts';
import { type MediaSet, setLabelOf, withMember } from './membership.ts';
import type { PoolPolicy } from './pool_policy.ts';
import { type SessionStart, startSession } from './session_start.ts';

export interface WriteSessionOptions {
  readonly installation: Installation;
  readonly inventory: InventoryFile;
  readonly pool: PoolPolicy;
  readonly session: MediaSession;
  readonly forceNewSet?: boolean;
  /** Replaces the media catalog of a tape by an empty one with these labels. */
  readonly createCatalog?: (labels: TapeLabels) => Promise<void>;
  /** How long to wait for another job that has the media set; ten seconds as PBS. */
  readonly timeoutMs?: number;
  /** Asked when the pool has no tape left, while nothing is locked but the media set: whether there is one now. */
  readonly provideTape?: (refusal: FerriteError) => Promise<boolean>;
}

export interface AllocatedTape {
  /** With the set label that the tape has or is to get. */
  readonly tape: InventoryEntry;
  /** Where a tape that joins the set comes from; undefined: the set's last tape goes on. */
  readonly source: TapeSource | undefined;
  /** The set label that a tape which joins the set had until now, as far as the inventory knew. */
  readonly before: MediaSetLabel | undefined;
}

async function createNativeCatalog(installation: Installation, labels: TapeLabels): Promise<void> {
  const { createCatalog } = await import('../native.ts');
  const { owner, paths } = installation;
  await createCatalog(paths.catalogFile(labels.label.uuid), labels, ...(owner ? [owner] : []));
}

export class WriteSession {
  /** What was decided when the session began: the reason of a new set and warnings belong into the job's log. */
  readonly start: SessionStart;
  private readonly options: WriteSessionOptions;
  private readonly lock: HeldLock;
  private currentSet: MediaSet;

  private constructor(options: WriteSessionOptions, start: SessionStart, lock: HeldLock) {
    this.options = options;
    this.start = start;
    this.lock = lock;
    this.currentSet = start.set;
  }

  /** Holds the lock of the media set until `close`. Rejects (`lock-timeout`) while another job writes or reads the set. */
  static async open(options: WriteSessionOptions): Promise<WriteSession> {
    const { installation, inventory, pool, session, forceNewSet = false } = options;
    const choose = async (): Promise<SetChoice<SessionStart>> => {
      const { entries } = await inventory.load();
      const newUuid = (): string => installation.uuid();
      const value = startSession({ pool, entries, session, now: now(installation), forceNewSet, newUuid });
      return { setUuid: value.set.uuid, keepPool: false, value };
    };
    const { lock, value: start } = await lockSetOfPool(installation, pool.name, choose, options.timeoutMs);
    return new WriteSession(options, start, lock);
  }

  /** The media set with the tapes that this session added. */
  get set(): MediaSet {
    return this.currentSet;
  }

  /** The tape to write to now. Rejects (`operator`, `no-media` or `set-unusable`) when there is none. */
  async allocate(): Promise<AllocatedTape> {
    for (;;) {
      try {
        return await this.allocateOnce();
      } catch (error) {
        const refusal = toFerriteError(error);
        if (refusal.code !== 'no-media' || !(await this.options.provideTape?.(refusal))) throw error;
      }
    }
  }

  private async allocateOnce(): Promise<AllocatedTape> {
    const lockedSets = new Set<string>();
    let guarded: 'pool' | 'unassigned' = 'pool';
    for (;;) {
      const lock = await lockPool(this.options.installation, guarded === 'pool' ? this.options.pool.name : undefined);
      try {
        const decision = await this.decide(lockedSets);
        // Tapes without pool have a lock of their own: decide again while holding it.
        const needed = decision.kind === 'add' && decision.source === 'unassigned' ? 'unassigned' : 'pool';
        if (needed === guarded) {
          const allocated = await this.apply(decision, lockedSets);
          if (allocated) return allocated;
        }
        guarded = needed;
      } finally {
        lock.release();
      }
    }
  }

  close(): void {
    this.lock.release();
  }

  private async decide(lockedSets: ReadonlySet<string>): Promise<AllocationDecision> {
    const { inventory, pool, session, installation } = this.options;
    const { entries } = await inventory.load();
    return decideAllocation({ pool, entries, set: this.currentSet, session }, now(installation), lockedSets);
  }

  /** Undefined: the set of the expired tape is in use; it is passed over from now on. */
  private async apply(decision: AllocationDecision, lockedSets: Set<string>): Promise<AllocatedTape | undefined> {
    if (decision.kind === 'refused') throw new FerriteError('operator', decision.problem, decision.message);
    if (decision.kind === 'continue') return { tape: decision.tape, source: undefined, before: undefined };
    const oldSet = setLabelOf(decision.tape)?.uuid;
    if (oldSet === undefined) return this.add(decision);
    const oldSetLock = await tryLockMediaSet(this.options.installation, oldSet);
    if (!oldSetLock) {
      lockedSets.add(oldSet);
      return undefined;
    }
    try {
      return await this.add(decision);
    } finally {
      oldSetLock.release();
    }
  }

  private async add({ tape, label, source }: AllocationDecision & { kind: 'add' }): Promise<AllocatedTape> {
    const {
      installation,
      inventory,
      createCatalog = (labels) => createNativeCatalog(installation, labels),
    } = this.options;
    const labels: TapeLabels = { label: tape.label, mediaSetLabel: label };
    // First the catalog: an interrupted job then leaves a set with an empty catalog, not one with foreign content.
    await createCatalog(labels);
    const stored = await inventory.update((known) => known.withTape(labels, { clearStatus: true }));
    this.currentSet = withMember(this.currentSet, tape.label.uuid);
    return { tape: stored.get(tape.label.uuid), source, before: setLabelOf(tape) };
  }
}
