/**
 * What a year of backups must come to, by a model that shares no code with what it checks: it knows calendars and retention
 * only as a person would work them out, reads inventory.json as JSON, and asks catalogs what they name. It imports nothing
 * from ts/media.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChunkIndex, readCatalog } from '../../ts/native.ts';

const DAY = 86_400;

export interface PoolRule {
  readonly name: string;
  readonly allocation: 'daily' | 'weekly' | 'monthly';
  /** Undefined: kept for ever. */
  readonly retentionDays: number | undefined;
}

/** An entry of inventory.json, as far as the model looks. */
export interface InventoryTape {
  readonly labelText: string;
  readonly uuid: string;
  readonly location: string;
  readonly status: string | undefined;
  readonly set:
    | { readonly uuid: string; readonly pool: string; readonly seqNr: number; readonly ctime: number }
    | undefined;
}

const ZERO_UUID = '00000000-0000-0000-0000-000000000000';

export function readInventory(path: string): InventoryTape[] {
  interface Entry {
    id: {
      label: { label_text: string; uuid: string };
      media_set_label?: { uuid: string; pool: string; seq_nr: number; ctime: number };
    };
    location?: string;
    status?: string;
  }
  const entries = JSON.parse(readFileSync(path, 'utf8')) as Entry[];
  return entries.map(({ id: { label, media_set_label: set }, location = 'offline', status }) => ({
    labelText: label.label_text,
    uuid: label.uuid,
    location,
    status,
    set:
      set && set.uuid !== ZERO_UUID
        ? { uuid: set.uuid, pool: set.pool, seqNr: set.seq_nr, ctime: set.ctime }
        : undefined,
  }));
}

/** The event after `time`, all in UTC. */
function eventAfter(time: number, allocation: PoolRule['allocation']): number {
  const date = new Date(time * 1000);
  if (allocation === 'monthly') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / 1000;
  const midnight = Math.floor(time / DAY) * DAY + DAY;
  if (allocation === 'daily') return midnight;
  const weekday = new Date(midnight * 1000).getUTCDay();
  return midnight + ((8 - weekday) % 7) * DAY;
}

interface KnownSet {
  readonly uuid: string;
  readonly pool: string;
  /** When its first tape joined. */
  readonly start: number;
  /** Label texts by number, of all that ever joined. */
  readonly members: Map<number, string>;
  /** Snapshots that a job said are on its tapes. */
  readonly snapshots: Set<string>;
}

export class Model {
  readonly #rules: ReadonlyMap<string, PoolRule>;
  readonly sets = new Map<string, KnownSet>();
  /** Tapes that are gone, or whose data is damaged: what is on them is nobody's fault. */
  readonly broken = new Set<string>();
  /** Of broken tapes those that some job's result named. */
  readonly named = new Set<string>();
  /** `set number` of tapes that a person took out of the inventory. */
  readonly forgotten = new Set<string>();

  constructor(rules: readonly PoolRule[]) {
    this.#rules = new Map(rules.map((rule) => [rule.name, rule]));
  }

  /** Takes note of tapes that joined sets. */
  observe(tapes: readonly InventoryTape[]): void {
    for (const { set, labelText } of tapes) {
      if (!set) continue;
      const known = this.sets.get(set.uuid);
      if (known) known.members.set(set.seqNr, labelText);
      else {
        const members = new Map([[set.seqNr, labelText]]);
        this.sets.set(set.uuid, { uuid: set.uuid, pool: set.pool, start: set.ctime, members, snapshots: new Set() });
      }
    }
  }

  /** A job ended, and said that these are on tape now. */
  promised(setUuid: string, snapshots: readonly string[]): void {
    for (const snapshot of snapshots) this.sets.get(setUuid)?.snapshots.add(snapshot);
  }

  /** Until when nothing of a set may be overwritten; never before its retention is over. */
  protectedUntil(setUuid: string): number {
    const set = this.sets.get(setUuid);
    const rule = set && this.#rules.get(set.pool);
    if (!set || !rule || rule.retentionDays === undefined) return Number.POSITIVE_INFINITY;
    const later = [...this.sets.values()].filter(({ pool, start }) => pool === set.pool && start > set.start);
    const next = later.length === 0 ? 0 : Math.min(...later.map(({ start }) => start));
    return Math.max(eventAfter(set.start, rule.allocation), next) + rule.retentionDays * DAY;
  }

  protectedSets(now: number): KnownSet[] {
    return [...this.sets.values()].filter(({ uuid }) => now < this.protectedUntil(uuid));
  }

  /** Numbers without holes, but for tapes that were lawfully taken by other sets or forgotten by a person. */
  checkNumbers(tapes: readonly InventoryTape[], now: number): string[] {
    const problems: string[] = [];
    for (const { uuid, members } of this.protectedSets(now)) {
      const present = tapes.filter(({ set }) => set?.uuid === uuid).map(({ set }) => set?.seqNr ?? -1);
      if (new Set(present).size !== present.length) problems.push(`set ${uuid} has a number twice: ${present}`);
      const length = Math.max(-1, ...members.keys(), ...present) + 1;
      for (let number = 0; number < length; number++) {
        if (present.includes(number) || this.forgotten.has(`${uuid} ${number}`)) continue;
        problems.push(`set ${uuid} has no tape number ${number} any more (it was '${members.get(number)}')`);
      }
    }
    return problems;
  }

  /** Every promised snapshot of a set, and every chunk of it, is named by the catalogs of tapes that are there and whole. */
  async checkRestorable(
    setUuid: string,
    tapes: readonly InventoryTape[],
    statusDir: string,
    chunksOf: (snapshot: string) => readonly string[],
    scratch: string,
  ): Promise<string[]> {
    const set = this.sets.get(setUuid);
    if (!set || set.snapshots.size === 0) return [];
    const members = tapes.filter((tape) => tape.set?.uuid === setUuid);
    if ([...set.members.values()].some((label) => this.broken.has(label))) return []; // whoever meets it has to say so
    const files = members.map(({ uuid }) => ({ mediaUuid: uuid, path: join(statusDir, `${uuid}.log`) }));
    const lost = files.filter(({ path }) => !existsSync(path));
    if (lost.length > 0) return lost.map(({ mediaUuid }) => `tape ${mediaUuid} of set ${setUuid} has no catalog`);
    const named = new Set<string>();
    for (const { path } of files) for (const { snapshot } of (await readCatalog(path)).snapshots) named.add(snapshot);
    const index = await ChunkIndex.build(join(scratch, `${setUuid}.index`), files);
    try {
      return [...set.snapshots].flatMap((snapshot) => {
        if (!named.has(snapshot)) return [`snapshot ${snapshot} of set ${setUuid} is in no catalog`];
        const missing = chunksOf(snapshot).filter((digest) => index.lookup('store1', digest) === null);
        return missing.map((digest) => `chunk ${digest} of ${snapshot} is on no tape of set ${setUuid}`);
      });
    } finally {
      index.close();
    }
  }
}
