/** The vectors that Rust's tests read, through the Node addon and the browser package: all three say the same. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import * as native from '#native';
import * as wasm from '#wasm';
import { temporaryDirectory } from './temporary_installation.ts';

const checkout = resolve(import.meta.dirname, '..', '..');
const BLOCK_BYTES = 262_144;
const BLOCK_MAGIC = 'dcbdafcaeba0a528';

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(checkout, 'tests/vectors', name), 'utf8')) as T;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Content of less than a block as the one block of its tape file (tape-format.md 2), by hand. */
function block(content: Buffer): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.write(BLOCK_MAGIC, 'hex');
  bytes.writeUInt8(1, 8); // end of stream
  bytes.writeUIntLE(content.length, 9, 3);
  content.copy(bytes, 16);
  return bytes;
}

test.before(async () => {
  await wasm.default({ module_or_path: readFileSync(join(checkout, 'bindings/wasm/ferrite_wasm_bg.wasm')) });
});

interface ContentVector {
  header: { uuid: string; ctime: number };
  content: string;
  streamSha256: string;
}

const label =
  vectors<Record<'mediaLabel' | 'mediaSetLabel', ContentVector & { label: { uuid: string } }>>('tape/label.json');
const chunkArchive = vectors<ContentVector & { store: string; chunks: { digest: string; size: number }[] }>(
  'tape/chunk-archive.json',
);
const snapshotArchive = vectors<ContentVector & { store: string; snapshot: string }>('tape/snapshot-archive.json');
const catalog = vectors<{ file: { hex: string }; archive: ContentVector & { uuid: string; mediaSetUuid: string } }>(
  'tape/catalog.json',
);

const TAPE_FILES: [kind: string, vector: ContentVector, header: Record<string, unknown>][] = [
  ['media label', label.mediaLabel, { uuid: label.mediaLabel.label.uuid }],
  ['media-set label', label.mediaSetLabel, { uuid: label.mediaSetLabel.label.uuid }],
  ['chunk archive', chunkArchive, { store: chunkArchive.store }],
  ['snapshot archive', snapshotArchive, { store: snapshotArchive.store, snapshot: snapshotArchive.snapshot }],
  ['catalog archive', catalog.archive, { uuid: catalog.archive.uuid, media_set_uuid: catalog.archive.mediaSetUuid }],
];

for (const [kind, vector, header] of TAPE_FILES) {
  test(`tape file: ${kind}`, (t) => {
    const bytes = block(Buffer.from(vector.content, 'hex'));
    t.is(sha256(bytes), vector.streamSha256);
    const found = wasm.describeTapeFile(bytes) as wasm.TapeFile;
    t.is(found.kind, kind);
    t.is(found.uuid, vector.header.uuid);
    t.is(found.ctime, vector.header.ctime);
    t.is(found.end, 'complete');
    t.like(found.header, header);
  });
}

test('chunks of a chunk archive', (t) => {
  const found = wasm.describeTapeFile(block(Buffer.from(chunkArchive.content, 'hex'))) as wasm.TapeFile;
  t.deepEqual(
    found.chunks,
    chunkArchive.chunks.map(({ digest, size }) => ({ digest, size })),
  );
});

test('a media catalog, by addon and browser package', async (t) => {
  const bytes = Buffer.from(catalog.file.hex, 'hex');
  const path = join(temporaryDirectory(t), 'catalog.log');
  writeFileSync(path, bytes);
  const { bytes: size, ...content } = await native.readCatalog(path);
  t.is(size, bytes.length);
  t.deepEqual(wasm.readCatalog(bytes), content);
  t.is(content.snapshots[0]?.snapshot, snapshotArchive.snapshot);
  t.is(content.archives[0]?.chunks, 1);
});

test('an inventory, by addon and browser package', (t) => {
  const { text, entries } = vectors<{ text: string; entries: native.InventoryEntry[] }>('tape/inventory.json');
  const parsed = native.parseInventory(Buffer.from(text));
  t.deepEqual(parsed, entries);
  t.is(native.printInventory(parsed).toString(), text);
  t.deepEqual(wasm.readInventory(Buffer.from(text)), JSON.parse(text));
});

test('plain and compressed blobs', (t) => {
  const { cases } = vectors<{
    cases: { name: string; kind: string; blob: string; plain: { text?: string; repeat?: string; times?: number } }[];
  }>('datastore/blob.json');
  const readable = cases.filter(({ kind }) => kind === 'plain' || kind === 'zstd');
  t.true(readable.length >= 5);
  for (const { name, blob, plain } of readable) {
    const expected = plain.text ?? plain.repeat?.repeat(plain.times ?? 1);
    if (expected === undefined) continue;
    t.is(Buffer.from(wasm.decodeBlob(Buffer.from(blob, 'hex'))).toString(), expected, name);
  }
});
