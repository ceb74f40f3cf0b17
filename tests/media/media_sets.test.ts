/** Lists of media sets, and listings in order. */
import test from 'ava';
import { listMedia, listMediaSets } from '../../ts/media/listing.ts';
import { pool, type TapeShorthand, tape, uuidOf } from './tapes.ts';

const sets = (tapes: TapeShorthand[], templates: [string, string][] = []) =>
  listMediaSets(tapes.map(tape), new Map(templates), 'UTC');

test('sets: name, start, pool, known and missing tapes', (t) => {
  const tapes = [
    { tape: 'A', pool: 'p1', set: 'a', seq: 0, joined: 86_400 },
    { tape: 'B', pool: 'p1', set: 'a', seq: 3, joined: 90_000 },
    { tape: 'C', pool: 'p1', set: 'Z', joined: 5 },
    { tape: 'D' },
  ];
  t.deepEqual(sets(tapes, [['p1', '%F']]), [
    {
      'media-set-name': '1970-01-02',
      'media-set-uuid': uuidOf('a'),
      'media-set-ctime': 86_400,
      pool: 'p1',
      tapes: 2,
      missing: 2,
    },
  ]);
});

test('sets: without its first tape a set is named by its UUID and begins with the first that is known', (t) => {
  const [set] = sets([
    { tape: 'A', pool: 'p1', set: 'a', seq: 2, joined: 30 },
    { tape: 'B', pool: 'p1', set: 'a', seq: 1, joined: 20 },
  ]);
  t.like(set, { 'media-set-name': uuidOf('a'), 'media-set-ctime': 20, tapes: 2, missing: 1 });
});

test('sets: by pool, then start, then UUID; each has its own tapes', (t) => {
  const listed = sets([
    { tape: 'E', pool: 'p2', set: 'e', joined: 1 },
    { tape: 'D', pool: 'p1', set: 'd', joined: 9 },
    { tape: 'C', pool: 'p1', set: 'c', joined: 9 },
    { tape: 'B', pool: 'p1', set: 'x', joined: 5 },
    { tape: 'F', pool: 'p1', set: 'x', seq: 1, joined: 6 },
  ]);
  t.deepEqual(
    listed.map((set) => [set.pool, set['media-set-uuid'], set.tapes]),
    [
      ['p1', uuidOf('x'), 2],
      ['p1', uuidOf('c'), 1],
      ['p1', uuidOf('d'), 1],
      ['p2', uuidOf('e'), 1],
    ],
  );
  t.deepEqual(listMediaSets([], new Map(), 'UTC'), []);
});

function listed(tapes: TapeShorthand[]): string[] {
  const request = { entries: tapes.map(tape), pools: [pool()], now: 1000, zone: 'UTC', hasCatalog: () => true };
  return listMedia(request).map((entry) => entry['label-text']);
}

test('tapes: by pool (none first), media set (none first), number, label', (t) => {
  const tapes = [
    { tape: 'S1', pool: 'p1', set: 'a', seq: 1, joined: 20 },
    { tape: 'S0', pool: 'p1', set: 'a', seq: 0, joined: 10 },
    { tape: 'E2', pool: 'p1' },
    { tape: 'E1', pool: 'p1' },
    { tape: 'R2', pool: 'p1', set: 'Z', seq: 0, joined: 1 },
    { tape: 'U2' },
    { tape: 'U1' },
    { tape: 'O1', pool: 'p2' },
  ];
  t.deepEqual(listed(tapes), ['U1', 'U2', 'E1', 'E2', 'R2', 'S0', 'S1', 'O1']);
  t.deepEqual(listed([...tapes].reverse()), ['U1', 'U2', 'E1', 'E2', 'R2', 'S0', 'S1', 'O1']);
});

test('tapes: a media set that a job would not continue is full, whatever is out of the library', (t) => {
  const entries = [tape({ tape: 'A', pool: 'p1', set: 'a', seq: 0, joined: 10, location: 'online-sl4' })];
  const request = { entries, pools: [pool()], now: 1000, zone: 'UTC', hasCatalog: () => true };
  t.is(listMedia(request)[0]?.status, 'writable', 'on site: a listing takes it for available');
  const vaulted = [tape({ tape: 'A', pool: 'p1', set: 'a', seq: 0, joined: 10, location: 'vault-bank' })];
  t.is(listMedia({ ...request, entries: vaulted })[0]?.status, 'full');
});
