/** Who needs a key: pools that encrypt with it, and tapes whose media set it encrypts. */
import type { Installation } from '../config/installation.ts';
import { listPools } from '../config/pools.ts';
import { InventoryFile } from '../media/inventory_file.ts';
import { setLabelOf } from '../media/membership.ts';

export interface KeyUse {
  /** Names of pools whose next job needs it. */
  readonly pools: string[];
  readonly mediaSets: MediaSetUse[];
}

export interface MediaSetUse {
  readonly uuid: string;
  readonly pool: string;
  /** Epoch seconds: when the first of the known tapes joined the set. */
  readonly ctime: number;
  /** In order of their numbers in the set. */
  readonly tapes: { readonly labelText: string; readonly uuid: string; readonly seqNr: number }[];
}

interface CollectedUse {
  readonly pools: string[];
  readonly mediaSets: Map<string, MediaSetUse>;
}

export const NO_USE: KeyUse = { pools: [], mediaSets: [] };

/** By fingerprint, in lower case. Keys that nobody needs are not in it. */
export async function keyUses(installation: Installation): Promise<Map<string, KeyUse>> {
  const uses = new Map<string, CollectedUse>();
  const useOf = (fingerprint: string): CollectedUse => {
    const known = uses.get(fingerprint.toLowerCase()) ?? { pools: [], mediaSets: new Map<string, MediaSetUse>() };
    uses.set(fingerprint.toLowerCase(), known);
    return known;
  };
  for (const { name, encrypt } of await listPools(installation)) {
    if (encrypt !== undefined) useOf(encrypt).pools.push(name);
  }
  const inventory = await new InventoryFile(installation).load();
  for (const entry of inventory.entries) {
    const set = setLabelOf(entry);
    if (!set?.encryptionKeyFingerprint) continue;
    const { mediaSets } = useOf(set.encryptionKeyFingerprint);
    const before = mediaSets.get(set.uuid) ?? { uuid: set.uuid, pool: set.pool, ctime: set.ctime, tapes: [] };
    const tape = { labelText: entry.label.labelText, uuid: entry.label.uuid, seqNr: set.seqNr };
    mediaSets.set(set.uuid, {
      ...before,
      ctime: Math.min(before.ctime, set.ctime),
      tapes: [...before.tapes, tape].sort((a, b) => a.seqNr - b.seqNr),
    });
  }
  return new Map(
    [...uses].map(([fingerprint, { pools, mediaSets }]) => {
      const sorted = [...mediaSets.values()].sort((a, b) => a.ctime - b.ctime || (a.uuid < b.uuid ? -1 : 1));
      return [fingerprint, { pools, mediaSets: sorted }];
    }),
  );
}

export async function keyUse(installation: Installation, fingerprint: string): Promise<KeyUse> {
  return (await keyUses(installation)).get(fingerprint.toLowerCase()) ?? NO_USE;
}

/** `pool 'daily'; media set 9da3... (tapes 'A', 'B')`; empty where nobody needs the key. */
export function useInWords({ pools, mediaSets }: KeyUse): string {
  const named = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');
  const sets = mediaSets.map(({ uuid, tapes }) => {
    const labels = tapes.map(({ labelText }) => labelText);
    return `media set ${uuid} (${labels.length === 1 ? 'tape' : 'tapes'} ${named(labels)})`;
  });
  const poolWords = pools.length === 0 ? [] : [`${pools.length === 1 ? 'pool' : 'pools'} ${named(pools)}`];
  return [...poolWords, ...sets].join('; ');
}
