/** A datastore compared with what a fixture's listing says PBS had in it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as wasm from '#wasm';

interface ListedFile {
  size: number;
  sha256: string;
  manifest_canonical_sha256?: string;
}

export interface StoreListing {
  chunks: Record<string, { size: number; blob_sha256: string }>;
  snapshots: Record<string, { files: Record<string, ListedFile> }>;
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

/** Chunks of a datastore by digest, in the form of a listing. */
export function foundChunks(store: string): Record<string, { size: number; blob_sha256: string }> {
  const found: Record<string, { size: number; blob_sha256: string }> = {};
  for (const folder of readdirSync(join(store, '.chunks'))) {
    for (const digest of readdirSync(join(store, '.chunks', folder))) {
      const blob = readFileSync(join(store, '.chunks', folder, digest));
      found[digest] = { size: blob.length, blob_sha256: sha256(blob) };
    }
  }
  return found;
}

/** JSON with sorted keys and no blanks, as the listings' canonical digests are made. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** The browser package decodes blobs: code that shares no line with the restore that is tested. */
export async function loadBlobDecoder(): Promise<void> {
  const checkout = resolve(import.meta.dirname, '..', '..');
  await wasm.default({ module_or_path: readFileSync(join(checkout, 'bindings/wasm/ferrite_wasm_bg.wasm')) });
}

/** SHA-256 of a manifest less its verify state: a restore re-encodes manifests, so their bytes may differ. */
function manifestDigest(path: string): string {
  const text = Buffer.from(wasm.decodeBlob(readFileSync(path))).toString('utf8');
  const manifest = JSON.parse(text) as { unprotected: Record<string, unknown> };
  delete manifest.unprotected.verify_state;
  return sha256(canonical(manifest));
}

/** Everything in which the snapshots of a datastore differ from a listing. */
export function snapshotDifferences(store: string, listing: StoreListing): string[] {
  const differences: string[] = [];
  for (const [path, { files }] of Object.entries(listing.snapshots)) {
    const folder = join(store, path);
    const names = readdirSync(folder).sort();
    if (names.join() !== Object.keys(files).sort().join()) differences.push(`${path}: files ${names.join(', ')}`);
    for (const [name, expected] of Object.entries(files)) {
      if (name === 'index.json.blob') {
        if (manifestDigest(join(folder, name)) !== expected.manifest_canonical_sha256) {
          differences.push(`${path}/${name}: content`);
        }
      } else if (sha256(readFileSync(join(folder, name))) !== expected.sha256) {
        differences.push(`${path}/${name}: bytes`);
      }
    }
  }
  return differences;
}
