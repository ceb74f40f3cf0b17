/** The browser package reads the tapes, catalogs and inventories of PBS as the listings say. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import * as wasm from '#wasm';
import { FIXTURE_NAMES, fixturePath, fixtureTest, readFixture, type TapesListing } from '../fixtures.ts';

const checkout = resolve(import.meta.dirname, '..', '..', '..');

test.before(async () => {
  await wasm.default({ module_or_path: readFileSync(join(checkout, 'bindings/wasm/ferrite_wasm_bg.wasm')) });
});

/** `Proxmox Backup Snapshot Archive v1.2` -> `snapshot archive` */
function kindOf(listedType: string): string {
  const kind = listedType.replace(/^Proxmox Backup (.*) v\d.*$/, '$1').toLowerCase();
  return { 'tape label': 'media label', 'mediaset label': 'media-set label' }[kind] ?? kind;
}

/** As a page reads a file that is larger than its memory. */
function inPieces(bytes: Uint8Array, length: number): wasm.TapeFile {
  const reader = new wasm.TapeFileReader();
  for (let at = 0; at < bytes.length; at += length) reader.push(bytes.subarray(at, at + length));
  return reader.finish();
}

for (const name of FIXTURE_NAMES) {
  fixtureTest(`wasm describes every tape file of ${name}`, (t) => {
    const listing = readFixture<TapesListing>(name, 'tapes.listing.json');
    let files = 0;
    for (const [label, listed] of Object.entries(listing)) {
      for (const [number, expected] of listed.entries()) {
        const bytes = readFileSync(fixturePath(name, 'tapes', `tapefile-${number}-${label}.json`));
        const found: wasm.TapeFile = wasm.describeTapeFile(bytes);
        files++;
        if (expected.error) {
          t.is(found.end, 'incomplete');
          continue;
        }
        t.is(found.kind, kindOf(expected.type));
        t.is(found.uuid, expected.content_uuid);
        t.is(found.end, expected.incomplete ? 'incomplete' : 'complete');
        t.deepEqual(found.header, expected.header);
        t.deepEqual(
          found.chunks?.map(({ digest, size }) => [digest, size]),
          expected.chunk_list,
        );
        t.deepEqual(
          found.files && Object.fromEntries(found.files.map((file) => [file.name, file.size])),
          expected.files && Object.fromEntries(Object.entries(expected.files).map(([file, { size }]) => [file, size])),
        );
        if (found.kind === 'catalog archive') t.is(found.catalog?.mediaUuid, String(expected.header.uuid));
        t.deepEqual(inPieces(bytes, 100_003), found);
      }
    }
    t.true(files > 10, `${files} files`);
  });

  fixtureTest(`wasm reads the catalogs and the inventory of ${name}`, (t) => {
    const folder = fixturePath(name, 'lib-tape');
    const inventory = wasm.readInventory(readFileSync(join(folder, 'inventory.json')));
    t.deepEqual(inventory, JSON.parse(readFileSync(join(folder, 'inventory.json'), 'utf8')));
    for (const file of readdirSync(folder).filter((entry) => entry.endsWith('.log'))) {
      t.is(wasm.readCatalog(readFileSync(join(folder, file))).mediaUuid, file.replace('.log', ''));
    }
  });
}

test('damaged bytes are an error, and the module stays usable', (t) => {
  t.throws(() => wasm.describeTapeFile(new Uint8Array(1000)), { message: /instead of 262144/ });
  t.throws(() => wasm.readCatalog(new Uint8Array(100)));
  t.throws(() => wasm.decodeBlob(new Uint8Array(3)));
  t.deepEqual(wasm.readInventory(Buffer.from('[]')), []);
});
