/** Config files that PBS wrote. */
import { readFileSync } from 'node:fs';
import { ConfigDocument } from '../../ts/config/config_document.ts';
import { datastoreSectionTypes } from '../../ts/config/datastore_section.ts';
import { poolSectionTypes } from '../../ts/config/pool_sections.ts';
import { tapeSectionTypes } from '../../ts/config/tape_sections.ts';
import { fixturePath, fixtureTest as test } from '../fixtures.ts';

for (const name of ['small', 'append'] as const) {
  for (const [file, types] of [
    ['datastore.cfg', datastoreSectionTypes],
    ['media-pool.cfg', poolSectionTypes],
    ['tape.cfg', tapeSectionTypes],
  ] as const) {
    test(`${name}: ${file} is understood whole`, (t) => {
      const bytes = readFileSync(fixturePath(name, 'etc', file));
      const document = new ConfigDocument(bytes, file, types);
      t.deepEqual(document.notices, []);
      // The drives of the fixtures were configured by hand: path stands before max-size.
      const sorted = bytes.toString().split('\n').slice(1).sort();
      t.deepEqual(document.print().split('\n').slice(1).sort(), sorted);
      if (file !== 'tape.cfg') t.is(document.print(), bytes.toString());
    });
  }
}
