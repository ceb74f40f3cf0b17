/** Inventories and listings that PBS wrote. */
import { readFileSync } from 'node:fs';
import { ConfigDocument } from '../../ts/config/config_document.ts';
import { poolSection, poolSectionTypes } from '../../ts/config/pool_sections.ts';
import { Inventory } from '../../ts/media/inventory.ts';
import { nativeInventoryCodec } from '../../ts/media/inventory_file.ts';
import { listMedia, type MediaListEntry } from '../../ts/media/listing.ts';
import { poolPolicy } from '../../ts/media/pool_policy.ts';
import { type FixtureName, fixturePath, readFixture, fixtureTest as test } from '../fixtures.ts';

for (const name of ['small', 'append', 'incomplete'] satisfies FixtureName[]) {
  test(`${name}: the inventory is read and written back byte for byte`, async (t) => {
    const bytes = readFileSync(fixturePath(name, 'lib-tape', 'inventory.json'));
    const codec = await nativeInventoryCodec();
    const { entries } = new Inventory(codec.parse(bytes).reverse());
    t.is(codec.print([...entries]).toString(), bytes.toString());
  });
}

for (const name of ['small', 'append'] satisfies FixtureName[]) {
  test(`${name}: media list shows what PBS showed`, async (t) => {
    const file = fixturePath(name, 'etc', 'media-pool.cfg');
    const document = new ConfigDocument(readFileSync(file), file, poolSectionTypes);
    const codec = await nativeInventoryCodec();
    const listed = listMedia({
      entries: codec.parse(readFileSync(fixturePath(name, 'lib-tape', 'inventory.json'))),
      pools: document.list(poolSection).map((pool) => poolPolicy(pool, 'UTC')),
      now: 1_795_420_000,
      zone: 'UTC',
      hasCatalog: () => true,
    });
    const byUuid = (a: MediaListEntry, b: MediaListEntry) => (a.uuid < b.uuid ? -1 : 1);
    const expected = readFixture<MediaListEntry[]>(name, 'media.listing.json');
    t.deepEqual(listed.sort(byUuid), expected.sort(byUuid));
  });
}
