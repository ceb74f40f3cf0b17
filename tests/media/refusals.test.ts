/** What people are told when there is no tape, or a set cannot go on: the facts in it must be right. */
import test from 'ava';
import { decideAllocation } from '../../ts/media/allocation.ts';
import { findCurrentSet } from '../../ts/media/current_set.ts';
import type { MediaSession } from '../../ts/media/location.ts';
import { collectSet, emptySet, ZERO_UUID } from '../../ts/media/membership.ts';
import { poolPolicy } from '../../ts/media/pool_policy.ts';
import { startSession } from '../../ts/media/session_start.ts';
import { setUsability } from '../../ts/media/usability.ts';
import { fingerprintOf, type PoolShorthand, pool, type TapeShorthand, tape, uuidOf } from './tapes.ts';

const CHANGER: MediaSession = { kind: 'changer', changer: 'sl3' };

function refusal(
  tapes: TapeShorthand[],
  now: number,
  policy: PoolShorthand = {},
  session: MediaSession = CHANGER,
): string {
  const entries = tapes.map(tape);
  const current = findCurrentSet(entries, 'p1');
  const set = current.kind === 'set' ? collectSet(entries, current.uuid) : emptySet(uuidOf('new'));
  const decision = decideAllocation({ pool: pool(policy), entries, set, session }, now);
  return decision.kind === 'refused' ? decision.message : 'not refused';
}

test('no tape at all: label some', (t) => {
  t.is(refusal([], 10), "no usable media in pool 'p1': label further tapes ('proxmox-tape label')");
});

test('tapes that are elsewhere are named, five of them, in the order in which they would be taken', (t) => {
  const rotation = { allocation: 'always', retention: 'overwrite' };
  const tapes = [
    { tape: 'U', location: 'online-sl4' },
    { tape: 'X', pool: 'p1', set: 'x', joined: 1, status: 'full' },
    { tape: 'E1', pool: 'p1' },
    { tape: 'D', status: 'damaged' },
    { tape: 'V', location: 'vault-v1' },
    { tape: 'cur', pool: 'p1', set: 'y', joined: 50, status: 'full', location: 'online-sl3' },
  ];
  t.is(refusal(tapes, 100, rotation), "no usable media in pool 'p1': usable if inserted: E1, X, U");
  const many = Array.from({ length: 7 }, (_, number) => ({ tape: `T${number}`, pool: 'p1' }));
  t.regex(refusal(many, 10), /usable if inserted: T0, T1, T2, T3, T4$/);
});

test('when the next tape expires is told: of this pool, later than now, the earliest', (t) => {
  const tapes = [
    { tape: 'A', pool: 'p1', set: 'a', joined: 1000, status: 'full', location: 'online-sl3' },
    { tape: 'B', pool: 'p1', set: 'b', joined: 2000, status: 'full', location: 'online-sl3' },
    { tape: 'O', pool: 'p2', set: 'o', joined: 500, status: 'full', location: 'online-sl3' },
  ];
  const policy = { allocation: 'always', retention: '1h' };
  const expected = 'the next tape expires on Thu Jan  1 01:16:40 1970';
  t.is(refusal(tapes, 2500, policy), `no usable media in pool 'p1': ${expected}`);
  t.is(
    refusal([...tapes, { tape: 'E', pool: 'p1' }], 2500, policy),
    `no usable media in pool 'p1': usable if inserted: E; ${expected}`,
  );
  // At the moment of its expiry the tape is no promise for later.
  const vaulted = [{ tape: 'A', pool: 'p1', set: 'a', joined: 1000, status: 'full', location: 'vault-v1' }];
  t.regex(refusal(vaulted, 4600, policy), /label further tapes/);
  t.regex(refusal(vaulted, 4599, policy), /expires on/);
});

test('expired tapes come in the order of their sets, not of their labels', (t) => {
  const policy = { allocation: 'always', retention: 'overwrite' };
  const tapes = [
    { tape: 'A', pool: 'p1', set: 'a', joined: 20, labelled: 1, status: 'full', location: 'online-sl3' },
    { tape: 'B', pool: 'p1', set: 'b', joined: 10, labelled: 2, status: 'full', location: 'online-sl3' },
    { tape: 'C', pool: 'p1', set: 'c', joined: 30, status: 'full', location: 'online-sl3' },
  ].map(tape);
  const set = emptySet(uuidOf('new'));
  const decision = decideAllocation({ pool: pool(policy), entries: tapes, set, session: CHANGER }, 100);
  t.is(decision.kind === 'add' && decision.tape.label.labelText, 'B');
});

test('the set label of an encrypted pool names its key, that of another pool none', (t) => {
  const entries = [tape({ tape: 'A', pool: 'p1', location: 'online-sl3' })];
  const set = emptySet(uuidOf('new'));
  const label = (policy: PoolShorthand) => {
    const decision = decideAllocation({ pool: pool(policy), entries, set, session: CHANGER }, 100);
    return decision.kind === 'add' ? decision.label : undefined;
  };
  t.is(label({ key: 'F1' })?.encryptionKeyFingerprint, fingerprintOf('F1'));
  t.deepEqual(Object.keys(label({}) ?? {}).sort(), ['ctime', 'pool', 'seqNr', 'uuid']);
});

test('fingerprints are compared whatever their case', (t) => {
  const upper = poolPolicy({ name: 'p1', encrypt: fingerprintOf('Fa').toUpperCase() }, 'UTC');
  t.is(upper.encrypt, fingerprintOf('Fa'));
});

test('a set whose key is another one than its pool has: both are told', (t) => {
  const reason = (key: string | undefined, policy: PoolShorthand): string => {
    const entries = [tape({ tape: 'A', pool: 'p1', set: 'a', joined: 1, ...(key && { key }) })];
    const state = { pool: pool(policy), entries, set: collectSet(entries, uuidOf('a')), session: CHANGER };
    const usability = setUsability(state);
    return usability.kind === 'unusable' ? usability.message : usability.kind;
  };
  const start = fingerprintOf('F1').slice(0, 23);
  t.is(
    reason('F1', {}),
    `the pool's encryption has changed: tape 'A' is encrypted with key ${start}, pool 'p1' is not encrypted`,
  );
  t.is(
    reason(undefined, { key: 'F1' }),
    `the pool's encryption has changed: tape 'A' is not encrypted, pool 'p1' is encrypted with key ${start}`,
  );
});

test('a set with several conflicts is not continued, and each tape is named once', (t) => {
  const entries = [
    { tape: 'C', pool: 'p1', set: 'a', seq: 0, joined: 1 },
    { tape: 'B', pool: 'p1', set: 'a', seq: 0, joined: 2 },
    { tape: 'E', pool: 'p1', set: 'a', seq: 1, joined: 3 },
    { tape: 'D', pool: 'p1', set: 'a', seq: 1, joined: 4 },
  ].map(tape);
  const request = { pool: pool(), entries, session: CHANGER, now: 10, newUuid: () => ZERO_UUID };
  const { warnings, isNew } = startSession(request);
  t.true(isNew);
  t.deepEqual(warnings, [
    `tapes B, C, D, E have the same number in media set ${uuidOf('a')}: the set is not continued`,
  ]);
});

test('several newest sets: none is continued, and their tapes are told', (t) => {
  const entries = [
    { tape: 'B', pool: 'p1', set: 'b', joined: 1 },
    { tape: 'A', pool: 'p1', set: 'a', joined: 1 },
  ].map(tape);
  const { warnings } = startSession({ pool: pool(), entries, session: CHANGER, now: 10, newUuid: () => ZERO_UUID });
  t.deepEqual(warnings, [
    "pool 'p1' has several newest media sets (tapes A, B joined them at the same time): none of them is continued",
  ]);
});

test('an event says nothing about a set whose start is not known', (t) => {
  const entries = [tape({ tape: 'B', pool: 'p1', set: 'a', seq: 1, joined: 5 })];
  const policy = pool({ allocation: 'minutely' });
  const { reason } = startSession({ pool: policy, entries, session: CHANGER, now: 1e9, newUuid: () => ZERO_UUID });
  t.regex(reason ?? '', /incomplete/);
});

test('without a library nothing is asked about what is in it', (t) => {
  const entries = [tape({ tape: 'A', pool: 'p1', set: 'a', joined: 5, location: 'online-sl3' })];
  const start = (session: MediaSession) =>
    startSession({ pool: pool(), entries, session, now: 10, newUuid: () => ZERO_UUID });
  t.is(start({ kind: 'standalone' }).reason, undefined, 'the next tape of the set is asked for');
  t.is(start({ kind: 'changer', changer: 'sl4' }).reason, "required tape 'A' is not in the library");
});

test('a clock that was set back is told of: the newest label of the pool, if it is more than a minute ahead', (t) => {
  const tapes = [
    { tape: 'B', pool: 'p1', set: 'b', joined: 5000 },
    { tape: 'C', pool: 'p1', set: 'c', joined: 9000 },
    { tape: 'A', pool: 'p1', set: 'a', joined: 7000 },
    { tape: 'O', pool: 'p2', set: 'o', joined: 90_000 },
    { tape: 'Z', pool: 'p1', set: 'Z', joined: 90_000 },
  ];
  const warnings = (now: number): readonly string[] =>
    startSession({ pool: pool(), entries: tapes.map(tape), session: CHANGER, now, newUuid: () => ZERO_UUID }).warnings;
  t.deepEqual(warnings(8940), []);
  t.deepEqual(warnings(8939), [
    "tape 'C' joined its media set on Thu Jan  1 02:30:00 1970, which is in the future: was the clock set back? " +
      'Until it is right, media sets are continued and kept by wrong times',
  ]);
  t.is(warnings(0).length, 1);
  t.regex(warnings(0)[0] ?? '', /'C'/);
});

test('a fingerprint that somebody typed in capitals is the same key: the set goes on', (t) => {
  const entries = [tape({ tape: 'A', pool: 'p1', set: 'a', joined: 10, key: 'key', location: 'online-sl3' })];
  const policy = poolPolicy({ name: 'p1', encrypt: fingerprintOf('key').toUpperCase() }, 'UTC');
  const start = startSession({ pool: policy, entries, session: CHANGER, now: 20, newUuid: () => uuidOf('new') });
  t.like(start, { isNew: false, reason: undefined });
});
