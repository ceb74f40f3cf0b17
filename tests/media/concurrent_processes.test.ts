/** The real locks and the real format: several processes change the same files at once. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { acquireNativeLock } from '../../ts/config/file_lock.ts';
import { listPools } from '../../ts/config/pools.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import { lockMediaSet, tryLockMediaSet } from '../../ts/media/media_locks.ts';
import { WriteSession } from '../../ts/media/write_session.ts';
import { temporaryInstallation } from '../temporary_installation.ts';
import { pool, tape, uuidOf } from './tapes.ts';

const worker = join(import.meta.dirname, 'concurrent_worker.js');

test('no change of any process is lost', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: acquireNativeLock });
  const names = ['wa', 'wb', 'wc', 'wd'];
  const run = (name: string) => promisify(execFile)(process.execPath, [worker, installation.root, name, '10']);
  await Promise.all(names.map(run));
  const expected = names.flatMap((name) => Array.from({ length: 10 }, (_, index) => `${name}${index}`)).sort();
  const { entries } = await new InventoryFile(installation).load();
  t.deepEqual(entries.map(({ label }) => label.labelText).sort(), expected);
  t.deepEqual(
    (await listPools(installation)).map(({ name }) => name),
    expected,
  );
});

test('a lock of the Rust core is exclusive, says when it is busy, and is released', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: acquireNativeLock });
  const held = await lockMediaSet(installation, uuidOf('a'));
  t.is(await tryLockMediaSet(installation, uuidOf('a')), undefined);
  await t.throwsAsync(lockMediaSet(installation, uuidOf('a'), 50), { code: 'lock-timeout', message: /waited 0\.05 s/ });
  held.release();
  held.release();
  (await lockMediaSet(installation, uuidOf('a'), 0)).release();
});

test('a session with the real catalog and inventory', async (t) => {
  const installation = temporaryInstallation(t, { acquireLock: acquireNativeLock });
  const inventory = new InventoryFile(installation);
  await inventory.update((known) => known.withTape(tape({ tape: 'T1', pool: 'p1' })));
  const options = { installation, inventory, pool: pool(), session: { kind: 'standalone' } as const };
  const session = await WriteSession.open(options);
  const { tape: allocated } = await session.allocate();
  const { readCatalog } = await import('../../ts/native.ts');
  const catalog = await readCatalog(installation.paths.catalogFile(allocated.label.uuid));
  t.like(catalog, { mediaUuid: uuidOf('T1'), mediaSetUuid: session.set.uuid, seqNr: 0, snapshots: [] });
  session.close();
  const again = await WriteSession.open(options);
  t.is(again.set.uuid, session.set.uuid);
  again.close();
});
