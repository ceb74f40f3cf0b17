/** Sessions and locks: what several jobs and restores do to each other. */
import test from 'ava';
import { lockTimeout } from '../../ts/config/file_lock.ts';
import type { Installation } from '../../ts/config/installation.ts';
import type { Inventory } from '../../ts/media/inventory.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import {
  lockBookkeeping,
  lockMediaSet,
  lockPool,
  lockSetOfPool,
  mediaSetLockPath,
  poolLockPath,
  tryLockMediaSet,
  withMediaSet,
} from '../../ts/media/media_locks.ts';
import { ZERO_UUID } from '../../ts/media/membership.ts';
import { WriteSession, type WriteSessionOptions } from '../../ts/media/write_session.ts';
import type { InventoryEntry } from '../../ts/native.ts';
import { processLocks, temporaryInstallation } from '../temporary_installation.ts';
import { plainCodec, pool, type TapeShorthand, tape, uuidOf } from './tapes.ts';

const inventoryOf = (installation: Installation) => new InventoryFile(installation, async () => plainCodec);

async function fill(installation: Installation, tapes: TapeShorthand[]): Promise<InventoryFile> {
  const file = inventoryOf(installation);
  const add = (inventory: Inventory, entry: InventoryEntry) => {
    const stored = inventory.withTape(entry);
    return entry.status ? stored.withStatus(entry.label.uuid, entry.status as 'full') : stored;
  };
  await file.update((inventory) => tapes.map(tape).reduce(add, inventory));
  return file;
}

function options(installation: Installation, extra: Partial<WriteSessionOptions> = {}): WriteSessionOptions {
  return {
    installation,
    inventory: inventoryOf(installation),
    pool: pool(),
    session: { kind: 'standalone' },
    createCatalog: async () => undefined,
    ...extra,
  };
}

/** Locks of this process whose waiting takes no time: a busy lock is refused at once. */
function impatientLocks(): ReturnType<typeof processLocks> {
  const locks = processLocks();
  return (path, { timeoutMs, ...rest }) =>
    locks(path, { ...rest, timeoutMs: 0 }).catch(() => {
      throw lockTimeout(path, timeoutMs);
    });
}

test('S-64 always: a second job on another drive gets its own media set', async (t) => {
  const installation = temporaryInstallation(t);
  await fill(installation, [
    { tape: 'A', pool: 'p1' },
    { tape: 'B', pool: 'p1' },
  ]);
  const always = options(installation, { pool: pool({ allocation: 'always' }) });
  const first = await WriteSession.open(always);
  const a = await first.allocate();
  const second = await WriteSession.open(always);
  const b = await second.allocate();
  t.not(first.set.uuid, second.set.uuid);
  t.deepEqual([a.tape.label.labelText, b.tape.label.labelText], ['A', 'B']);
  t.is(b.tape.mediaSetLabel?.seqNr, 0);
  first.close();
  second.close();
});

test('S-65 continue: a second job waits for the set of the first, then fails; later it goes on with it', async (t) => {
  const waits: number[] = [];
  const locks = processLocks();
  const installation = temporaryInstallation(t, {
    acquireLock: (path, { timeoutMs, ...rest }) => {
      if (path.includes('.media-set-')) waits.push(timeoutMs);
      return locks(path, { ...rest, timeoutMs });
    },
  });
  await fill(installation, [{ tape: 'A', pool: 'p1', set: 'a', joined: 10 }]);
  const first = await WriteSession.open(options(installation));
  const started = Date.now();
  await t.throwsAsync(WriteSession.open(options(installation, { timeoutMs: 300 })), {
    code: 'lock-timeout',
    message: new RegExp(`^media set ${uuidOf('a')} is in use by another process .*waited 0.3 s`),
  });
  t.true(Date.now() - started >= 290);
  t.true(
    waits.every((timeoutMs) => timeoutMs === 0),
    'nobody waits for a set while the pool is locked',
  );
  first.close();
  const second = await WriteSession.open(options(installation));
  t.is(second.set.uuid, uuidOf('a'));
  t.false(second.start.isNew);
  second.close();
});

test('a job that waits for a set does not keep the owner of the set from its next tape', async (t) => {
  const installation = temporaryInstallation(t);
  const file = await fill(installation, [
    { tape: 'A', pool: 'p1', set: 'a', joined: 10 },
    { tape: 'B', pool: 'p1' },
  ]);
  const first = await WriteSession.open(options(installation));
  const waiting = WriteSession.open(options(installation));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await file.update((inventory) => inventory.withStatus(uuidOf('A'), 'full'));
  t.is((await first.allocate()).tape.label.labelText, 'B');
  first.close();
  const second = await waiting;
  t.is(second.set.length, 2, 'the choice was made again after the wait');
  t.is((await second.allocate()).tape.label.labelText, 'B');
  second.close();
});

test('the same tape is asked for again after another process changed the inventory', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: impatientLocks() });
  await fill(installation, [{ tape: 'A', pool: 'p1' }]);
  const session = await WriteSession.open(options(installation));
  t.like(await session.allocate(), { source: 'empty' });
  await inventoryOf(installation).update((inventory) => inventory.withUsedBytes(uuidOf('A'), 5));
  t.like(await session.allocate(), { source: undefined, tape: { bytesUsed: 5 } });
  await inventoryOf(installation).update((inventory) => inventory.without(uuidOf('A')));
  await t.throwsAsync(session.allocate(), { code: 'set-unusable', message: /is not in the inventory/ });
  session.close();
});

test('a tape without pool is taken under the lock of the tapes without pool', async (t) => {
  const taken: string[] = [];
  const locks = impatientLocks();
  const installation = temporaryInstallation(t, {
    acquireLock: (path, lockOptions) => {
      taken.push(path.slice(path.lastIndexOf('/') + 1));
      return locks(path, lockOptions);
    },
  });
  await fill(installation, [{ tape: 'free' }]);
  const session = await WriteSession.open(options(installation));
  taken.length = 0;
  t.like(await session.allocate(), { source: 'unassigned' });
  t.deepEqual(taken, ['.pool-p1.lck', '.pool-__UNASSIGNED__.lck', '.inventory.lck']);
  session.close();
});

test('of an expired tape the old set is locked while the tape moves', async (t) => {
  const taken: string[] = [];
  const locks = impatientLocks();
  const installation = temporaryInstallation(t, {
    acquireLock: async (path, lockOptions) => {
      taken.push(path.slice(path.lastIndexOf('/') + 1));
      return locks(path, lockOptions);
    },
  });
  await fill(installation, [
    { tape: 'A', pool: 'p1', set: 'a', joined: 10, status: 'full' },
    { tape: 'B', pool: 'p1', set: 'b', joined: 20, status: 'full' },
  ]);
  const order: string[] = [];
  const session = await WriteSession.open(
    options(installation, {
      pool: pool({ retention: 'overwrite' }),
      createCatalog: async ({ label, mediaSetLabel }) => {
        const oldSet = await tryLockMediaSet(installation, uuidOf('a'));
        order.push(`${label.labelText} ${mediaSetLabel?.seqNr} ${oldSet ? 'free' : 'locked'}`);
        const known = await inventoryOf(installation).load();
        t.is(known.get(uuidOf('A')).mediaSetLabel?.uuid, uuidOf('a'), 'catalog first, then inventory');
      },
    }),
  );
  taken.length = 0;
  const { tape: allocated } = await session.allocate();
  t.deepEqual(order, ['A 1 locked']);
  t.false(taken.includes('.pool-__UNASSIGNED__.lck'));
  t.is(allocated.status, undefined);
  const freed = await tryLockMediaSet(installation, uuidOf('a'));
  t.truthy(freed);
  session.close();
});

test('when the catalog cannot be made, the tape stays where it was and every lock but that of the set is free', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: impatientLocks() });
  await fill(installation, [{ tape: 'A', pool: 'p1' }]);
  const createCatalog = async () => {
    throw new Error('disk full');
  };
  const session = await WriteSession.open(options(installation, { createCatalog }));
  await t.throwsAsync(session.allocate(), { message: 'disk full' });
  t.is(session.set.length, 0);
  t.is((await inventoryOf(installation).load()).get(uuidOf('A')).mediaSetLabel, undefined);
  (await lockPool(installation, 'p1')).release();
  (await lockPool(installation, undefined)).release();
  t.is(await tryLockMediaSet(installation, session.set.uuid), undefined);
  session.close();
  t.truthy(await tryLockMediaSet(installation, session.set.uuid));
});

test('the set label carries the key of the pool', async (t) => {
  const installation = temporaryInstallation(t);
  await fill(installation, [{ tape: 'A', pool: 'p1' }]);
  const encrypted = pool({ key: 'F1' });
  const session = await WriteSession.open(options(installation, { pool: encrypted }));
  const { tape: allocated } = await session.allocate();
  t.is(allocated.mediaSetLabel?.encryptionKeyFingerprint, encrypted.encrypt);
  t.is((await session.allocate()).source, undefined, 'and the tape goes on');
  session.close();
});

test('what to do about missing media is said', async (t) => {
  const installation = temporaryInstallation(t, { clock: () => 100 });
  await fill(installation, [
    { tape: 'A', pool: 'p1', set: 'a', joined: 10, status: 'full' },
    { tape: 'B', pool: 'p1', set: 'b', joined: 20, status: 'full' },
    { tape: 'D', pool: 'p1', set: 'd', joined: 30, status: 'full' },
    { tape: 'C', pool: 'p1' },
  ]);
  await inventoryOf(installation).update((inventory) =>
    inventory.withLocation(uuidOf('C'), { kind: 'online', changer: 'sl3' }),
  );
  const session = await WriteSession.open(options(installation, { pool: pool({ retention: '1h' }) }));
  const message =
    "no usable media in pool 'p1': usable if inserted: C; the next tape expires on Thu Jan  1 01:00:20 1970";
  await t.throwsAsync(session.allocate(), { code: 'no-media', message });
  session.close();
});

test('names of locks', (t) => {
  t.is(poolLockPath('/s', 'daily'), '/s/.pool-daily.lck');
  t.is(poolLockPath('/s', 'a.b'), '/s/.pool-a.lck');
  t.is(poolLockPath('/s', 'a.b.c'), '/s/.pool-a.b.lck');
  t.is(poolLockPath('/s', undefined), '/s/.pool-__UNASSIGNED__.lck');
  t.is(mediaSetLockPath('/s', 'u'), '/s/.media-set-u.lck');
});

test('bookkeeping locks the pool and the set of a tape', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: impatientLocks() });
  const isFree = async (path: string): Promise<boolean> => {
    const lock = await installation.acquireLock(path, { timeoutMs: 0 }).catch(() => undefined);
    lock?.release();
    return lock !== undefined;
  };
  const { statusDir } = installation.paths;
  const poolLock = poolLockPath(statusDir, 'p1');
  const setLock = mediaSetLockPath(statusDir, uuidOf('a'));
  const both = await lockBookkeeping(installation, tape({ tape: 'A', pool: 'p1', set: 'a', joined: 1 }));
  t.deepEqual([await isFree(poolLock), await isFree(setLock)], [false, false]);
  both.release();
  t.deepEqual([await isFree(poolLock), await isFree(setLock)], [true, true]);
  const reserved = await lockBookkeeping(installation, tape({ tape: 'R', pool: 'p1', set: 'Z', joined: 1 }));
  t.deepEqual([await isFree(poolLock), await isFree(mediaSetLockPath(statusDir, ZERO_UUID))], [false, true]);
  reserved.release();
  const free = await lockBookkeeping(installation, tape({ tape: 'F' }));
  t.false(await isFree(poolLockPath(statusDir, undefined)));
  free.release();
  const restore = await lockMediaSet(installation, uuidOf('a'));
  t.false(await isFree(setLock));
  restore.release();
});

test('an error other than a busy lock is not taken for one', async (t) => {
  const acquireLock = async () => {
    throw Object.assign(new Error('no space'), { code: 'lock-io', kind: 'system' });
  };
  const installation = temporaryInstallation(t, { acquireLock });
  await t.throwsAsync(tryLockMediaSet(installation, uuidOf('a')), { code: 'lock-io' });
});

test('a pool without a tape asks whether there is one now, and decides again', async (t) => {
  const installation = temporaryInstallation(t);
  const file = await fill(installation, []);
  const asked: string[] = [];
  const provideTape = async ({ code, message }: { code: string; message: string }): Promise<boolean> => {
    asked.push(`${code}: ${message}`);
    if (asked.length === 3) return false;
    await file.update((inventory) => inventory.withTape(tape({ tape: `T${asked.length}`, pool: 'p1' })));
    return true;
  };
  const session = await WriteSession.open(options(installation, { provideTape }));
  t.is((await session.allocate()).tape.label.labelText, 'T1');
  await file.update((inventory) => inventory.withStatus(uuidOf('T1'), 'full'));
  t.is((await session.allocate()).tape.label.labelText, 'T2');
  await file.update((inventory) => inventory.withStatus(uuidOf('T2'), 'full'));
  await t.throwsAsync(session.allocate(), { code: 'no-media' });
  t.is(asked.length, 3);
  t.true(asked.every((text) => text.startsWith("no-media: no usable media in pool 'p1'")));
  session.close();
});

test('a set that cannot be used is no reason to ask for a tape', async (t) => {
  const installation = temporaryInstallation(t);
  const file = await fill(installation, [{ tape: 'A', pool: 'p1', set: 'a', joined: 10 }]);
  const provideTape = async (): Promise<boolean> => t.fail() as never;
  const session = await WriteSession.open(options(installation, { provideTape }));
  await file.update((inventory) => inventory.withStatus(uuidOf('A'), 'damaged'));
  await t.throwsAsync(session.allocate(), { code: 'set-unusable' });
  session.close();
});

test('locks say what is in use, and are given back', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: impatientLocks() });
  const pools = await Promise.all([lockPool(installation, 'p1'), lockPool(installation, undefined)]);
  await t.throwsAsync(lockPool(installation, 'p1'), { message: /^pool 'p1' is in use/ });
  await t.throwsAsync(lockPool(installation, undefined), { message: /^the set of tapes without pool is in use/ });
  for (const lock of pools) lock.release();
  (await lockPool(installation, 'p1')).release();
  t.is(await withMediaSet(installation, 'x', async () => 7), 7);
  await t.throwsAsync(
    withMediaSet(installation, 'x', async () => {
      throw new Error('failed');
    }),
    { message: 'failed' },
  );
  (await lockMediaSet(installation, 'x', 0)).release();
});

test('a session leaves its pool free', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: impatientLocks() });
  await fill(installation, [{ tape: 'A', pool: 'p1' }]);
  const session = await WriteSession.open(options(installation));
  (await lockPool(installation, 'p1')).release();
  session.close();
  t.pass();
});

test('whoever only reads a set leaves its pool free', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: impatientLocks() });
  const choice = { setUuid: uuidOf('a'), value: undefined };
  const reader = await lockSetOfPool(installation, 'p1', async () => ({ ...choice, keepPool: false }));
  (await lockPool(installation, 'p1')).release();
  await t.throwsAsync(lockMediaSet(installation, uuidOf('a')), { code: 'lock-timeout' });
  reader.lock.release();
  const keeper = await lockSetOfPool(installation, 'p1', async () => ({ ...choice, keepPool: true }));
  await t.throwsAsync(lockPool(installation, 'p1'), { code: 'lock-timeout' });
  keeper.lock.release();
  (await lockPool(installation, 'p1')).release();
});
