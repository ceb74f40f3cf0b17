/** Tapes and pools as scenario files write them. */
import type { PoolConfig } from '../../ts/config/pool_sections.ts';
import type { InventoryCodec } from '../../ts/media/inventory_file.ts';
import { ZERO_UUID } from '../../ts/media/membership.ts';
import { type PoolPolicy, poolPolicy } from '../../ts/media/pool_policy.ts';
import type { InventoryEntry } from '../../ts/native.ts';

/** Epoch seconds, or `2021-01-06 09:07:51` in UTC. */
export type ScenarioTime = number | string;

export interface TapeShorthand {
  tape: string;
  /** Instead of the UUID that follows from the label. */
  uuid?: string;
  pool?: string;
  /** Name of a media set; Z: the all-zero set. */
  set?: string;
  seq?: number;
  /** When the tape joined the set. */
  joined?: ScenarioTime;
  labelled?: number;
  key?: string;
  status?: string;
  location?: string;
}

export function epoch(time: ScenarioTime): number {
  return typeof time === 'number' ? time : Date.parse(`${time.replace(' ', 'T')}Z`) / 1000;
}

/** A UUID that says the name: `S9` is 00000000-0000-4000-8000-000000005339. */
export function uuidOf(name: string): string {
  if (name === 'Z') return ZERO_UUID;
  return `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').padStart(12, '0')}`;
}

export function nameOf(uuid: string): string {
  return Buffer.from(uuid.slice(-12).replace(/^(00)+/, ''), 'hex').toString();
}

/** A fingerprint that says the name. */
export function fingerprintOf(name: string): string {
  return (Buffer.from(name).toString('hex').padStart(64, '0').match(/../g) as string[]).join(':');
}

export function tape(short: TapeShorthand): InventoryEntry {
  const { pool, set, seq = 0, joined, labelled = 0, key, status, location } = short;
  const reserved = pool !== undefined && set === undefined;
  return {
    label: {
      labelText: short.tape,
      uuid: uuidOf(short.uuid ?? short.tape),
      ctime: labelled,
      ...(reserved && { pool }),
    },
    ...(set !== undefined && {
      mediaSetLabel: {
        pool: pool ?? 'p1',
        uuid: uuidOf(set),
        seqNr: seq,
        ctime: epoch(joined ?? labelled),
        ...(key !== undefined && { encryptionKeyFingerprint: fingerprintOf(key) }),
      },
    }),
    ...(location !== undefined && { location }),
    ...(status !== undefined && { status }),
  };
}

export interface PoolShorthand {
  allocation?: string;
  retention?: string;
  template?: string;
  key?: string;
}

export function pool({ key, ...config }: PoolShorthand = {}, zone = 'UTC'): PoolPolicy {
  const encrypt = key === undefined ? {} : { encrypt: fingerprintOf(key) };
  const properties: PoolConfig = { name: 'p1', ...encrypt };
  for (const name of ['allocation', 'retention', 'template'] as const) {
    const value = config[name];
    if (value !== undefined) properties[name] = value;
  }
  return poolPolicy(properties, zone);
}

/** Inventories as plain JSON: for tests that are not about PBS's format. */
export const plainCodec: InventoryCodec = {
  parse: (text) => JSON.parse(text.toString('utf8')) as InventoryEntry[],
  print: (entries) => Buffer.from(JSON.stringify(entries)),
};
