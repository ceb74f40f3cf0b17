/**
 * What depends on each key, and what would bring it back: the media sets that need it, the tapes that carry it and under
 * which password, the paper key. A set label cannot be written again without losing the data behind it, so a tape keeps the
 * password that the key had when the tape joined its set.
 */
import type { Installation } from '../config/installation.ts';
import { listPools } from '../config/pools.ts';
import { toFerriteError } from '../errors.ts';
import { InventoryFile } from '../media/inventory_file.ts';
import { type KeyRecords, readKeyRecords } from '../media/key_records.ts';
import { mediaSetName } from '../media/naming.ts';
import type { KeyInfo, KeyStore } from '../native.ts';
import { openKeyStore } from './key_store.ts';
import { keyUses, type MediaSetUse, NO_USE } from './key_use.ts';

/** Password of a wrapped form, compared with the stored key: `unknown` where the tape was not read since it was written. */
export type PasswordAge = 'current' | 'other' | 'unknown';

export interface TapeKeyStatus {
  labelText: string;
  uuid: string;
  seqNr: number;
  /** Under which password it carries the key. */
  password: PasswordAge;
  /** Its hint, where it has one and is known. */
  hint?: string;
}

export interface MediaSetKeyStatus {
  uuid: string;
  name: string;
  pool: string;
  tapes: TapeKeyStatus[];
}

export interface KeyStatus {
  fingerprint: string;
  /** False: tapes or pools need it, and it is not here. */
  stored: boolean;
  /** Whether jobs can use it; false: it is here under its password only. Absent: this user may not look. */
  usable?: boolean;
  hint?: string;
  /** Epoch seconds of the last change of its password. */
  modified?: number;
  /** Pools that encrypt with it. */
  pools: string[];
  mediaSets: MediaSetKeyStatus[];
  /** The newest paper key; undefined: none was made here. */
  paperKey?: { made: number; password: PasswordAge; hint?: string };
}

/** Every key that is stored or needed: stored ones in their order, then what is missing. */
export async function keyStatus(installation: Installation): Promise<KeyStatus[]> {
  const store = await openKeyStore(installation);
  const { keys } = await store.list();
  const usable = await usableKeys(installation, store, keys);
  const uses = await keyUses(installation);
  const records = await readKeyRecords(installation);
  const nameOf = await mediaSetNames(installation);
  const describe = (fingerprint: string, key: KeyInfo | undefined): KeyStatus => {
    const use = uses.get(fingerprint) ?? NO_USE;
    return {
      fingerprint,
      stored: key !== undefined,
      ...(usable && { usable: usable.has(fingerprint) }),
      ...(key?.hint !== undefined && { hint: key.hint }),
      ...(key && { modified: key.modified }),
      pools: use.pools,
      mediaSets: use.mediaSets.map((set) => mediaSetStatus(set, nameOf(set), fingerprint, key, records)),
      ...paperStatus(records, fingerprint, key),
    };
  };
  const stored = new Map(keys.map((key) => [key.fingerprint ?? '', key]));
  const missing = [...uses.keys()].filter((fingerprint) => !stored.has(fingerprint)).sort();
  return [
    ...[...stored].map(([fingerprint, key]) => describe(fingerprint, key)),
    ...missing.map((fingerprint) => describe(fingerprint, undefined)),
  ];
}

/** Fingerprints of keys that can be loaded into a drive; undefined where the plain keys cannot be read. */
async function usableKeys(
  installation: Installation,
  store: KeyStore,
  keys: readonly KeyInfo[],
): Promise<Set<string> | undefined> {
  const usable = new Set<string>();
  for (const { fingerprint } of keys) {
    if (fingerprint === undefined) continue;
    try {
      await store.unlock(fingerprint);
      usable.add(fingerprint);
    } catch (error) {
      const { code, message } = toFerriteError(error);
      if (code === 'no-plain-key') continue;
      installation.notice(`which keys jobs can use is not known: ${message}`);
      return undefined;
    }
  }
  return usable;
}

async function mediaSetNames(installation: Installation): Promise<(set: MediaSetUse) => string> {
  const { entries } = await new InventoryFile(installation).load();
  const templates = new Map((await listPools(installation)).map(({ name, template }) => [name, template]));
  return ({ uuid, pool }) => mediaSetName(entries, uuid, templates.get(pool), installation.zone);
}

function mediaSetStatus(
  set: MediaSetUse,
  name: string,
  fingerprint: string,
  key: KeyInfo | undefined,
  records: KeyRecords,
): MediaSetKeyStatus {
  const tapes = set.tapes.map(({ labelText, uuid, seqNr }): TapeKeyStatus => {
    const found = records.tapes[uuid];
    // What is remembered of another set of this tape says nothing about this one.
    const record = found?.fingerprint === fingerprint && found.mediaSetUuid === set.uuid ? found : undefined;
    return {
      labelText,
      uuid,
      seqNr,
      password: passwordAge(record, key),
      ...(record?.hint !== undefined && { hint: record.hint }),
    };
  });
  return { uuid: set.uuid, name, pool: set.pool, tapes };
}

function paperStatus(
  records: KeyRecords,
  fingerprint: string,
  key: KeyInfo | undefined,
): Pick<KeyStatus, 'paperKey'> | undefined {
  const paper = records.papers[fingerprint];
  if (!paper) return undefined;
  const { made, hint } = paper;
  return { paperKey: { made, password: passwordAge(paper, key), ...(hint !== undefined && { hint }) } };
}

function passwordAge(record: { modified: number } | undefined, key: KeyInfo | undefined): PasswordAge {
  if (!record || !key) return 'unknown';
  return record.modified === key.modified ? 'current' : 'other';
}
