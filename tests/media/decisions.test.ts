/** What the scenario tables leave open: names, listings, edges of the decisions, and properties over many states. */
import test from 'ava';
import fc from 'fast-check';
import { candidates, decideAllocation } from '../../ts/media/allocation.ts';
import { findCurrentSet } from '../../ts/media/current_set.ts';
import { expireTime, isExpired } from '../../ts/media/expiry.ts';
import { listMedia } from '../../ts/media/listing.ts';
import { formatLocation, isAvailable, parseLocation, sessionOf } from '../../ts/media/location.ts';
import { collectSet, emptySet, lastMember, poolOf, setLabelOf, withMember } from '../../ts/media/membership.ts';
import { mediaSetName } from '../../ts/media/naming.ts';
import { onlineUpdate } from '../../ts/media/online.ts';
import type { PoolState } from '../../ts/media/pool_policy.ts';
import { startSession } from '../../ts/media/session_start.ts';
import { mediaStatus, shownStatus } from '../../ts/media/status.ts';
import { setUsability } from '../../ts/media/usability.ts';
import { epoch, pool, type TapeShorthand, tape, uuidOf } from './tapes.ts';

const UUID = '9da37a55-aac7-4deb-91c6-482b3b675f30';

const named = (template: string | undefined, seq = 0) => {
  const entry = tape({ tape: 'A', pool: 'p1', set: 'a', seq, joined: '2021-01-13 13:55:55' });
  const label = { ...entry.mediaSetLabel, uuid: UUID } as never;
  return mediaSetName([{ ...entry, mediaSetLabel: label }], UUID, template, 'UTC');
};

test('names of media sets', (t) => {
  t.is(named(undefined), 'Wed Jan 13 13:55:55 2021');
  t.is(named('%Y week %V'), '2021 week 02');
  t.is(named('set-%id%'), `set-${UUID}`);
  t.is(named('%id%/%id% %F'), `${UUID}/${UUID} 2021-01-13`);
  t.is(named('daily-%F', 1), UUID, 'the first tape is not known');
  t.is(named(''), UUID);
});

test('names are in local time', (t) => {
  const entry = tape({ tape: 'A', pool: 'p1', set: 'a', joined: '2021-01-13 23:55:55' });
  t.is(mediaSetName([entry], uuidOf('a'), '%F %H', 'Europe/Berlin'), '2021-01-14 00');
});

test('locations as text and back', (t) => {
  for (const text of ['online-sl3', 'offline', 'vault-v1', 'online-vault-x']) {
    t.is(formatLocation(parseLocation(text)), text);
  }
  t.deepEqual(parseLocation(undefined), { kind: 'offline' });
  t.deepEqual(parseLocation('somewhere'), { kind: 'offline' });
  t.deepEqual(sessionOf('sl3'), { kind: 'changer', changer: 'sl3' });
  t.deepEqual(sessionOf(undefined), { kind: 'standalone' });
  t.true(isAvailable(parseLocation('offline'), sessionOf(undefined)));
});

test('the pool of a tape: set label before media label', (t) => {
  t.is(poolOf(tape({ tape: 'A' })), undefined);
  t.is(poolOf(tape({ tape: 'A', pool: 'p1' })), 'p1');
  const both = tape({ tape: 'A', pool: 'p2', set: 'a', joined: 1 });
  t.is(poolOf({ ...both, label: { ...both.label, pool: 'p1' } }), 'p2');
  t.is(setLabelOf(tape({ tape: 'A', pool: 'p1', set: 'Z', joined: 1 })), undefined);
});

test('a set with a huge sequence number costs nothing', (t) => {
  const set = collectSet([tape({ tape: 'A', pool: 'p1', set: 'a', seq: 2 ** 40, joined: 1 })], uuidOf('a'));
  t.is(set.length, 2 ** 40 + 1);
  t.is(lastMember(set), uuidOf('A'));
  t.is(lastMember(emptySet(uuidOf('a'))), undefined);
  t.is(collectSet([], uuidOf('a')).length, 0);
  t.deepEqual([...withMember(emptySet('x'), 'u').members], [[0, 'u']]);
});

const stateOf = (tapes: TapeShorthand[], policy = {}, set = 'a'): PoolState => {
  const entries = tapes.map(tape);
  return { pool: pool(policy), entries, set: collectSet(entries, uuidOf(set)), session: { kind: 'standalone' } };
};

test('a set that changed under a running job is not usable', (t) => {
  const before = stateOf([
    { tape: 'A', pool: 'p1', set: 'a', seq: 0, joined: 1 },
    { tape: 'B', pool: 'p1', set: 'a', seq: 1, joined: 2 },
  ]);
  const after = (tapes: TapeShorthand[]) => setUsability({ ...before, entries: tapes.map(tape) });
  const a = { tape: 'A', pool: 'p1', set: 'a', seq: 0, joined: 1 };
  t.like(after([a]), { problem: 'unknown-tape' });
  t.like(after([a, { tape: 'B', pool: 'p2' }]), {
    problem: 'other-pool',
    message: `tape 'B' of media set ${uuidOf('a')} belongs to pool 'p2'`,
  });
  t.like(after([a, { tape: 'B', pool: 'p1' }]), { problem: 'no-owner' });
  t.like(after([a, { tape: 'B' }]), { problem: 'no-owner' });
  t.like(after([a, { tape: 'B', pool: 'p1', set: 'b', seq: 1, joined: 2 }]), { problem: 'wrong-owner' });
  t.like(after([a, { tape: 'B', pool: 'p1', set: 'a', seq: 2, joined: 2 }]), { problem: 'sequence' });
  t.is(setUsability(before).kind, 'writable');
});

test('fingerprints are compared without regard to case', (t) => {
  const state = stateOf([{ tape: 'A', pool: 'p1', set: 'a', joined: 1, key: '\xab' }], { key: '\xab' });
  const [entry] = state.entries;
  const label = entry?.mediaSetLabel as { encryptionKeyFingerprint: string };
  label.encryptionKeyFingerprint = label.encryptionKeyFingerprint.toUpperCase();
  t.is(setUsability(state).kind, 'writable');
});

test('D1 looks at the last tape even when it is full, and not at earlier ones', (t) => {
  const session = { kind: 'changer', changer: 'sl3' } as const;
  const start = (tapes: TapeShorthand[]) =>
    startSession({ pool: pool(), entries: tapes.map(tape), session, now: 100, newUuid: () => uuidOf('new') });
  const a = { tape: 'A', pool: 'p1', set: 'a', seq: 0, joined: 1 };
  const b = { tape: 'B', pool: 'p1', set: 'a', seq: 1, joined: 2, status: 'full' };
  t.true(start([{ ...a, location: 'online-sl3' }, b]).isNew);
  t.false(start([a, { ...b, location: 'online-sl3' }]).isNew);
  t.true(start([a, { ...b, location: 'online-sl4' }]).isNew);
});

test('an event does not count for a set whose start is not known', (t) => {
  // A set without its first tape is incomplete: that is the reason given.
  const entries = [tape({ tape: 'B', pool: 'p1', set: 'a', seq: 1, joined: 1 })];
  const request = { pool: pool({ allocation: 'daily' }), entries, session: { kind: 'standalone' } as const };
  const start = startSession({ ...request, now: 1e9, newUuid: () => uuidOf('new') });
  t.regex(start.reason ?? '', /incomplete/);
});

test('allocation events are evaluated in the zone of the pool', (t) => {
  const entries = [tape({ tape: 'A', pool: 'p1', set: 'a', joined: '2021-01-06 12:00:00' })];
  const start = (zone: string) =>
    startSession({
      pool: pool({ allocation: 'daily' }, zone),
      entries,
      session: { kind: 'standalone' },
      now: epoch('2021-01-06 23:00:00'),
      newUuid: () => uuidOf('new'),
    });
  t.false(start('UTC').isNew);
  t.true(start('Europe/Berlin').isNew);
});

test('a set that was continued beside a newer one is protected from its last tape on', (t) => {
  const state = stateOf([
    { tape: 'A', pool: 'p1', set: 'a', seq: 0, joined: 10 },
    { tape: 'B', pool: 'p1', set: 'a', seq: 1, joined: 40 },
    { tape: 'C', pool: 'p1', set: 'b', seq: 0, joined: 30 },
    { tape: 'D', pool: 'p1', set: 'b', seq: 1, joined: 50 },
  ]);
  const policy = pool({ retention: '5s' });
  const expires = state.entries.map((entry) => expireTime(policy, state.entries, entry));
  t.deepEqual(expires, [55, 55, undefined, undefined]);
  t.is(expireTime(pool({ retention: 'overwrite' }), state.entries, tape({ tape: 'X', pool: 'p1' })), undefined);
});

test('always: every tape of a set expires from the start of the set on', (t) => {
  const state = stateOf([
    { tape: 'A', pool: 'p1', set: 'a', seq: 1, joined: 40 },
    { tape: 'B', pool: 'p1', set: 'a', seq: 0, joined: 10 },
    { tape: 'C', pool: 'p1', set: 'a', seq: 2, joined: 60 },
  ]);
  const policy = pool({ allocation: 'always', retention: '5s' });
  t.deepEqual(
    state.entries.map((entry) => expireTime(policy, state.entries, entry)),
    [15, 15, 15],
  );
});

test('a set that got its tape in the same second is not a newer one', (t) => {
  const state = stateOf([
    { tape: 'A', pool: 'p1', set: 'a', joined: 10 },
    { tape: 'B', pool: 'p1', set: 'b', joined: 10 },
    { tape: 'C', pool: 'p1', set: 'c', joined: 11 },
  ]);
  const [a] = state.entries;
  t.is(a && expireTime(pool({ retention: 'overwrite' }), state.entries, a), 11);
});

test('an event that never comes again leaves the next set to decide', (t) => {
  const state = stateOf([
    { tape: 'A', pool: 'p1', set: 'a', joined: '2021-01-06 12:00:00' },
    { tape: 'B', pool: 'p1', set: 'b', joined: '2021-01-08 12:00:00' },
  ]);
  const [a] = state.entries;
  const policy = pool({ allocation: '2020-01-01', retention: '1h' });
  t.is(a && expireTime(policy, state.entries, a), epoch('2021-01-08 13:00:00'));
});

test('a changer that reports a barcode twice, or two changers that do', (t) => {
  const entries = [tape({ tape: 'L1', location: 'online-sl4' })];
  const configured = new Set(['sl3', 'sl4']);
  const seen = (labels: Record<string, string[]>) =>
    onlineUpdate(entries, { seen: new Map(Object.entries(labels)), configured });
  t.deepEqual(seen({ sl3: ['L1'], sl4: ['L1', 'L1'] }).moved, [], 'it stays where it was');
  const moved = [{ uuid: uuidOf('L1'), labelText: 'L1', location: 'online-sl3' }];
  t.deepEqual(seen({ sl3: ['L1', 'L1'] }).moved, moved);
  const twins = [tape({ tape: 'L1' }), tape({ tape: 'L1', uuid: 'L1b', location: 'online-old' })];
  const update = onlineUpdate(twins, { seen: new Map([['sl3', []]]), configured });
  t.deepEqual(update.warnings, [], 'a label that no changer reports is no trouble');
  t.is(update.moved.length, 1);
});

test('what tables show as status', (t) => {
  t.is(shownStatus('full', true), 'expired');
  t.is(shownStatus('full', false), 'full');
  t.is(shownStatus('damaged', true), 'damaged');
  t.is(shownStatus('retired', true), 'retired');
});

test('a tape of another pool is unknown to this one', (t) => {
  const set = emptySet(uuidOf('a'));
  t.is(mediaStatus(tape({ tape: 'A', pool: 'p2', set: 'a', joined: 1 }), 'p1', set), 'unknown');
  t.is(mediaStatus(tape({ tape: 'A', pool: 'p2', set: 'Z', joined: 1 }), 'p1', set), 'unknown');
});

const LISTED: TapeShorthand[] = [
  { tape: 'N', labelled: 3 },
  { tape: 'E', pool: 'p1', labelled: 4 },
  { tape: 'R', pool: 'p1', set: 'Z', joined: 5 },
  { tape: 'B', pool: 'p1', set: 'b', seq: 0, joined: 200, location: 'online-sl3' },
  { tape: 'A2', pool: 'p1', set: 'a', seq: 1, joined: 110 },
  { tape: 'Z1', pool: 'p1', set: 'a', seq: 0, joined: 100, status: 'full' },
  { tape: 'X', pool: 'p9', set: 'x', seq: 0, joined: 7, status: 'damaged' },
];

const listing = (extra: { pool?: string; now?: number } = {}) =>
  listMedia({
    entries: LISTED.map(tape),
    pools: [pool({ retention: '50s', template: '%s' })],
    now: 249,
    zone: 'UTC',
    hasCatalog: (uuid) => uuid !== uuidOf('A2'),
    ...extra,
  });

test('a listing is sorted by pool, set, number, label, and shows what a job would find', (t) => {
  const shown = listing().map((entry) => [entry['label-text'], entry.status, entry.expired, entry.catalog]);
  t.deepEqual(shown, [
    ['N', 'writable', false, true],
    ['E', 'writable', false, true],
    ['R', 'writable', false, true],
    ['Z1', 'full', false, true],
    ['A2', 'full', false, false],
    ['B', 'writable', false, true],
    ['X', 'unknown', false, true],
  ]);
  t.true(listing({ now: 250 }).find((entry) => entry['label-text'] === 'Z1')?.expired);
});

test('entries of a listing name the set where there is one', (t) => {
  const find = (name: string) => listing().find((entry) => entry['label-text'] === name);
  t.deepEqual(find('A2'), {
    'label-text': 'A2',
    uuid: uuidOf('A2'),
    ctime: 0,
    location: 'offline',
    status: 'full',
    expired: false,
    catalog: false,
    'media-set-name': '100',
    'media-set-uuid': uuidOf('a'),
    'media-set-ctime': 100,
    'seq-nr': 1,
    pool: 'p1',
  });
  const empty = { uuid: uuidOf('R'), ctime: 0, location: 'offline', status: 'writable', expired: false, catalog: true };
  t.deepEqual(find('R'), { 'label-text': 'R', ...empty, pool: 'p1' } as never);
  t.deepEqual(
    listing({ pool: 'p9' }).map((entry) => entry['label-text']),
    ['X'],
  );
});

test('a new set for want of a usable one shows the old tapes as full', (t) => {
  const entries = [
    tape({ tape: 'A', pool: 'p1', set: 'a', seq: 0, joined: 1, status: 'retired' }),
    tape({ tape: 'B', pool: 'p1', set: 'a', seq: 1, joined: 2 }),
  ];
  const listed = listMedia({ entries, pools: [pool()], now: 9, zone: 'UTC', hasCatalog: () => true });
  t.deepEqual(
    listed.map(({ status }) => status),
    ['retired', 'full'],
  );
});

const anyTape = fc.record({
  pool: fc.constantFrom('p1', 'p1', 'p1', 'p2', undefined),
  set: fc.constantFrom('a', 'b', 'c', 'Z', undefined),
  seq: fc.nat({ max: 3 }),
  joined: fc.nat({ max: 100 }),
  labelled: fc.nat({ max: 5 }),
  status: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('full', undefined) }, fc.constantFrom('damaged', 'retired')),
  location: fc.constantFrom('offline', 'offline', 'online-sl3', 'vault-v1', undefined),
});

test('whatever the inventory: an allocated tape is at hand, of this pool or none, and holds nothing that is protected', (t) => {
  const policies = fc.record({
    allocation: fc.constantFrom('continue', 'always', '*:*:0/30'),
    retention: fc.constantFrom('keep', 'overwrite', '20s'),
  });
  const counts = { add: 0, expired: 0, continue: 0, refused: 0 };
  const property = fc.property(
    fc.array(anyTape, { maxLength: 12 }),
    policies,
    fc.nat({ max: 200 }),
    (shorts, policy, now) => {
      const entries = shorts.map((short, index) => {
        const { set, pool: owner, ...rest } = short;
        const parts = { tape: `T${index}`, ...rest, ...(owner && { pool: owner }), ...(owner && set && { set }) };
        return tape(JSON.parse(JSON.stringify(parts)) as TapeShorthand);
      });
      const session = { kind: 'standalone' } as const;
      const rules = pool(policy);
      const { set } = startSession({ pool: rules, entries, session, now, newUuid: () => uuidOf('new') });
      const state: PoolState = { pool: rules, entries, set, session };
      const decision = decideAllocation(state, now);
      counts[decision.kind]++;
      if (decision.kind === 'refused') {
        return (['empty', 'expired', 'unassigned'] as const).every(
          (source) => candidates(state, source, now).length === 0,
        );
      }
      const { tape: chosen } = decision;
      const label = setLabelOf(chosen);
      if (!isAvailable(parseLocation(chosen.location), session)) return false;
      if (decision.kind === 'continue') return label?.uuid === set.uuid && label.pool === 'p1' && !chosen.status;
      if (decision.source === 'expired') counts.expired++;
      const isFree = label === undefined || (chosen.status !== 'damaged' && isExpired(state, chosen, now));
      return (
        isFree && (poolOf(chosen) ?? 'p1') === 'p1' && label?.uuid !== set.uuid && decision.label.seqNr === set.length
      );
    },
  );
  fc.assert(property, { numRuns: 3000, seed: 7 });
  for (const [kind, count] of Object.entries(counts)) t.true(count > 20, `${kind}: ${count}`);
});

test('the current set does not depend on the order of the inventory', (t) => {
  const property = fc.property(fc.array(anyTape, { maxLength: 8 }), fc.nat(), (shorts, turn) => {
    const entries = shorts.map((short, index) =>
      tape(JSON.parse(JSON.stringify({ tape: `T${index}`, ...short, pool: 'p1' })) as TapeShorthand),
    );
    const cut = entries.length === 0 ? 0 : turn % entries.length;
    const turned = [...entries.slice(cut), ...entries.slice(0, cut)];
    return JSON.stringify(findCurrentSet(entries, 'p1')) === JSON.stringify(findCurrentSet(turned, 'p1'));
  });
  t.notThrows(() => fc.assert(property, { numRuns: 500 }));
});
