/** Restore lists as the offline page saves them, and files that are none. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseRestoreList, readRestoreList, snapshotsOfList } from '../../ts/jobs/restore/list.ts';
import { temporaryDirectory } from '../temporary_installation.ts';

const SET = '9da37a55-aac7-4deb-91c6-482b3b675f30';
const list = (changes: object = {}): string =>
  JSON.stringify({
    format: 'ferrite-restore-list',
    version: 1,
    'media-set': SET,
    snapshots: ['tank:vm/100/2024-06-05T09:38:20Z', 'tank:ns/a/ct/1/2024-06-05T09:38:20Z'],
    ...changes,
  });

test('a list names a media set and snapshots', async (t) => {
  const path = join(temporaryDirectory(t), 'list.json');
  writeFileSync(path, list());
  t.deepEqual(await readRestoreList(path), {
    mediaSet: SET,
    snapshots: ['tank:vm/100/2024-06-05T09:38:20Z', 'tank:ns/a/ct/1/2024-06-05T09:38:20Z'],
  });
});

test('a list is for a restore of its media set alone, and for what can be read', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'list.json');
  writeFileSync(path, list());
  t.is((await snapshotsOfList(path, SET.toUpperCase())).length, 2);
  const other = '00000000-0000-4000-8000-000000000001';
  await t.throwsAsync(snapshotsOfList(path, other), { code: 'restore-list', message: new RegExp(`${SET}.*${other}`) });
  await t.throwsAsync(readRestoreList(join(directory, 'none.json')), {
    code: 'restore-list',
    message: /none\.json.*ENOENT/,
  });
  await t.throwsAsync(readRestoreList(directory), { code: 'restore-list', message: /EISDIR/ });
});

const REFUSED: [string, string, RegExp][] = [
  ['no JSON', 'tank:vm/100', /no JSON/],
  ['something else', '[]', /not what the offline page saves/],
  ['null', 'null', /not what the offline page saves/],
  ['an empty list', list({ snapshots: [] }), /not what the offline page saves/],
  ['a newer version', list({ version: 2 }), /newer Ferrite/],
  ['no media set', list({ 'media-set': 'x' }), /not what the offline page saves/],
  ['no snapshot', list({ snapshots: ['tank:vm/100'] }), /'tank:vm\/100' is not <store>:<snapshot>/],
  ['no store', list({ snapshots: ['vm/100/2024-06-05T09:38:20Z'] }), /is not <store>:<snapshot>/],
];

for (const [what, text, message] of REFUSED) {
  test(`refused: ${what}`, (t) => {
    t.throws(() => parseRestoreList('x.json', text), { code: 'restore-list', message });
  });
}
