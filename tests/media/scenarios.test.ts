/** The decision tables of spec/behaviour.md 9.1 to 9.5, 9.7 and 9.8, row by row. 9.6 is in allocation.test.ts. */
import test from 'ava';
import { findCurrentSet } from '../../ts/media/current_set.ts';
import { expireTime, isExpired } from '../../ts/media/expiry.ts';
import { Inventory } from '../../ts/media/inventory.ts';
import { listMedia } from '../../ts/media/listing.ts';
import { formatLocation, isAvailable, type MediaSession, parseLocation } from '../../ts/media/location.ts';
import { collectSet, emptySet } from '../../ts/media/membership.ts';
import { onlineUpdate } from '../../ts/media/online.ts';
import type { PoolState } from '../../ts/media/pool_policy.ts';
import { startSession } from '../../ts/media/session_start.ts';
import { describeTape } from '../../ts/media/status.ts';
import { setUsability } from '../../ts/media/usability.ts';
import { readVectors } from '../vectors.ts';
import {
  epoch,
  nameOf,
  type PoolShorthand,
  pool,
  type ScenarioTime,
  type TapeShorthand,
  tape,
  uuidOf,
} from './tapes.ts';

interface Scenario {
  id: string;
  title: string;
  tapes: TapeShorthand[];
}

const scenarios = <Case>(file: string) => readVectors<Case & Scenario>(`scenarios/${file}`);
const STANDALONE: MediaSession = { kind: 'standalone' };

/** Pool p1 with its current set as the inventory shows it, whatever is wrong with it. */
function stateOf(
  tapes: readonly TapeShorthand[],
  options: { policy?: PoolShorthand; session?: MediaSession } = {},
): PoolState {
  const entries = tapes.map(tape);
  const current = findCurrentSet(entries, 'p1');
  const set = current.kind === 'set' ? collectSet(entries, current.uuid) : emptySet(uuidOf('new'));
  return { pool: pool(options.policy), entries, session: options.session ?? STANDALONE, set };
}

for (const row of scenarios<{
  tape: string;
  operator?: 'clear';
  listing?: true;
  out: Record<string, unknown>;
}>('9.1-status.json')) {
  test(`${row.id} status: ${row.title}`, (t) => {
    const state = stateOf(row.tapes);
    if (row.listing) {
      const request = { now: 1e9, zone: 'UTC', hasCatalog: () => true };
      const listed = listMedia({ entries: state.entries, pools: [state.pool], ...request });
      t.like(
        listed.find((entry) => entry['label-text'] === row.tape),
        row.out,
      );
      return;
    }
    const { entries } =
      row.operator === 'clear'
        ? new Inventory(state.entries).withStatus(uuidOf(row.tape), undefined)
        : { entries: state.entries };
    const { status, location } = describeTape({ ...state, entries }, uuidOf(row.tape));
    t.like({ status, location: formatLocation(location) }, row.out);
  });
}

for (const row of readVectors<{
  id: string;
  title: string;
  session: MediaSession;
  locations: Record<string, boolean>;
}>('scenarios/9.2-availability.json')) {
  test(`${row.id} availability: ${row.title}`, (t) => {
    for (const [location, available] of Object.entries(row.locations)) {
      t.is(isAvailable(parseLocation(location), row.session), available, location);
    }
  });
}

for (const row of scenarios<{ out: string | null; warning?: string }>('9.3-current-set.json')) {
  test(`${row.id} current set: ${row.title}`, (t) => {
    const entries = row.tapes.map(tape);
    const current = findCurrentSet(entries, 'p1');
    t.is(current.kind === 'set' ? nameOf(current.uuid) : current.kind === 'none' ? null : current.kind, row.out);
    const newUuid = () => uuidOf('new');
    const start = startSession({ pool: pool(), entries, session: STANDALONE, now: 100, newUuid });
    if (current.kind !== 'set') t.deepEqual([nameOf(start.set.uuid), start.set.length], ['new', 0]);
    t.is(start.warnings.length, row.warning === undefined ? 0 : 1);
    t.true(
      start.warnings.every((warning) => warning.includes(row.warning ?? '')),
      start.warnings.join(),
    );
  });
}

for (const row of scenarios<{
  sessions: MediaSession[];
  key?: string;
  out: string;
  message?: string;
  warning?: string;
}>('9.4-usability.json')) {
  test(`${row.id} usability: ${row.title}`, (t) => {
    for (const session of row.sessions) {
      const policy: PoolShorthand = row.key === undefined ? {} : { key: row.key };
      const state = stateOf(row.tapes, { policy, session });
      const usability = setUsability(state);
      t.is<string, string>(usability.kind === 'unusable' ? usability.problem : usability.kind, row.out);
      if (usability.kind === 'unusable') t.true(usability.message.includes(row.message ?? ''), usability.message);
      const newUuid = () => uuidOf('new');
      const start = startSession({ pool: state.pool, entries: state.entries, session, now: 100, newUuid });
      if (usability.kind === 'unusable') t.is(start.reason, usability.message);
      t.is(start.warnings.length, row.warning === undefined ? 0 : 1);
      t.true(
        start.warnings.every((warning) => warning.includes(row.warning ?? '')),
        start.warnings.join(),
      );
    }
  });
}

for (const row of scenarios<{
  allocation: string;
  key?: string;
  now: ScenarioTime;
  session: MediaSession;
  force?: true;
  out: { isNew: boolean; reason: string | null };
}>('9.5-session-start.json')) {
  test(`${row.id} session start: ${row.title}`, (t) => {
    const policy = { allocation: row.allocation, ...(row.key !== undefined && { key: row.key }) };
    const start = startSession({
      pool: pool(policy),
      entries: row.tapes.map(tape),
      session: row.session,
      now: epoch(row.now),
      forceNewSet: row.force ?? false,
      newUuid: () => uuidOf('new'),
    });
    t.is(start.isNew, row.out.isNew);
    t.is(nameOf(start.set.uuid), row.out.isNew ? 'new' : 'a');
    t.is(start.set.length, row.out.isNew ? 0 : 1);
    if (row.out.reason === null) t.is(start.reason, undefined);
    else t.true(start.reason?.includes(row.out.reason), start.reason);
    t.deepEqual(start.warnings, []);
  });
}

test('S-56 session start: the next trigger after a start at the event itself is a week later', (t) => {
  const tapes = [{ tape: 'A', pool: 'p1', set: 'a', joined: '2021-01-11 00:00:00' }];
  const start = startSession({
    pool: pool({ allocation: 'weekly' }),
    entries: tapes.map(tape),
    session: STANDALONE,
    now: epoch('2021-01-18 00:00:00'),
    newUuid: () => uuidOf('new'),
  });
  t.true(start.isNew);
});

for (const row of scenarios<{
  allocation: string;
  retention: string;
  out?: ScenarioTime | null;
  now?: ScenarioTime;
  expired?: Record<string, boolean>;
}>('9.7-expiry.json')) {
  test(`${row.id} expiry: ${row.title}`, (t) => {
    const state = stateOf(row.tapes, { policy: { allocation: row.allocation, retention: row.retention } });
    const find = (name: string) => state.entries.find(({ label }) => label.labelText === name) as never;
    if (row.out !== undefined) {
      const expected = row.out === null ? undefined : epoch(row.out);
      t.is(expireTime(state.pool, state.entries, find('A')), expected);
      if (expected !== undefined) t.false(isExpired(state, find('A'), expected - 1));
    }
    for (const [name, expired] of Object.entries(row.expired ?? {})) {
      t.is(isExpired(state, find(name), epoch(row.now ?? 0)), expired, name);
    }
  });
}

for (const row of scenarios<{
  configured: string[];
  seen: Record<string, string[]>;
  out: string;
  warning?: string;
}>('9.8-online.json')) {
  test(`${row.id} online state: ${row.title}`, (t) => {
    const entries = row.tapes.map(tape);
    const report = { seen: new Map(Object.entries(row.seen)), configured: new Set(row.configured) };
    const update = onlineUpdate(entries, report);
    const after = new Inventory(entries).withOnlineUpdate(update).get(uuidOf('L1'));
    t.is(formatLocation(parseLocation(after.location)), row.out);
    t.is(update.warnings.length, row.warning === undefined ? 0 : 1);
    t.true(update.warnings.every((warning) => warning.includes(row.warning ?? '')));
  });
}
