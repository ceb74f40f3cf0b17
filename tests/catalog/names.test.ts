/** Names as file systems have them, from a folder on disk over tape to an answer: bytes that are no text, control characters. */
import { mkdirSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { createDatastore, importSnapshot, searchCatalog } from '../../ts/index.ts';
import { FIRST_BACKUP, Site } from '../jobs/site.ts';
import { RecordingObserver } from '../recording_observer.ts';

const NAMES: readonly (readonly [search: string, name: Buffer | string, found: string])[] = [
  ['latin', Buffer.from('latin-\xe9.txt', 'latin1'), 'latin-\ufffd.txt'],
  ['newline', 'newline\n.txt', 'newline\n.txt'],
  ['escape', 'escape\u001b[31m.txt', 'escape\u001b[31m.txt'],
  ['turned', 'turned\u202egpj.exe', 'turned\u202egpj.exe'],
  ['日本', '日本語.txt', '日本語.txt'],
  ['😀', 'emoji-😀.png', 'emoji-😀.png'],
  ['back\\', 'back\\slash', 'back\\slash'],
  ["'; DROP", "'; DROP TABLE entry; --", "'; DROP TABLE entry; --"],
  ['l'.repeat(200), 'l'.repeat(255), 'l'.repeat(255)],
];

test('every name is found as it is; bytes that are no text stand as replacement characters', async (t) => {
  const site = await Site.make(t);
  await createDatastore(site.installation, { name: 'tank', path: site.path('tank') });
  const folder = site.path('tree');
  mkdirSync(folder);
  for (const [, name] of NAMES) writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]), 'x');
  const twin = Buffer.concat([Buffer.from(`${folder}/latin-`), Buffer.from([0xe8]), Buffer.from('.txt')]);
  writeFileSync(twin, 'another');
  const request = { store: 'tank', group: 'host/h', time: FIRST_BACKUP, archives: [`root.pxar:${folder}`] };
  await importSnapshot(site.installation, request, new RecordingObserver());
  (await site.backup({ store: 'tank' })).summary;
  for (const [text, , name] of NAMES) {
    const found = await searchCatalog(site.installation, { text }, new RecordingObserver());
    const paths = text === 'latin' ? [name, name] : [name];
    t.deepEqual(
      found.map(({ path }) => path),
      paths.map((path) => `root.pxar.didx/${path}`),
    );
  }
});
