/** What is known of keys by their fingerprints, also of those that are not stored: whether they are, and what reminds of a password. */
import type { Installation } from '../config/installation.ts';
import { readKeyRecords, type WrappingRecord } from '../media/key_records.ts';
import { openKeyStore } from './key_store.ts';

export interface KnownKey {
  /** False: its tapes cannot be read until it is brought back. */
  stored: boolean;
  /** Of the stored key; where it is not stored, of the newest form of it that was seen on a tape or printed. */
  hint?: string;
}

/** By fingerprint, in lower case. Key files that this user may not read, or that are damaged, count as empty. */
export async function knownKeys(installation: Installation): Promise<Map<string, KnownKey>> {
  const stored = await (await openKeyStore(installation)).list().then(
    ({ keys }) => keys,
    () => [], // who needs the key itself is told why
  );
  const { tapes, papers } = await readKeyRecords(installation);
  const seen: (readonly [string, WrappingRecord])[] = [
    ...Object.values(tapes).map((record) => [record.fingerprint, record] as const),
    ...Object.entries(papers),
  ];
  const known = new Map<string, KnownKey>();
  for (const [fingerprint, { hint }] of seen.sort(([, a], [, b]) => a.modified - b.modified)) {
    known.set(fingerprint.toLowerCase(), { stored: false, ...(hint !== undefined && { hint }) });
  }
  for (const { fingerprint, hint } of stored) {
    if (fingerprint !== undefined) known.set(fingerprint, { stored: true, ...(hint !== undefined && { hint }) });
  }
  return known;
}
