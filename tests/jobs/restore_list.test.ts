/** Restore lists as the offline page saves them, and files that are none. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseRestoreList, readRestoreList } from '../../ts/jobs/restore/list.ts';
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
