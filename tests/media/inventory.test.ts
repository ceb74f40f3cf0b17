import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { Inventory } from '../../ts/media/inventory.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import { setLabelOf } from '../../ts/media/membership.ts';
import { temporaryInstallation } from '../temporary_installation.ts';
import { plainCodec, tape, uuidOf } from './tapes.ts';

const A = tape({ tape: 'A', pool: 'p1', set: 'a', joined: 10, status: 'full', location: 'online-sl3' });

test('entries are sorted by UUID; of two with one UUID the last counts', (t) => {
  const again = { ...A, status: 'damaged' };
  const { entries } = new Inventory([tape({ tape: 'C' }), A, tape({ tape: 'B' }), again]);
  t.deepEqual(
    entries.map(({ label }) => label.labelText),
    ['A', 'B', 'C'],
  );
  t.is(entries[0]?.status, 'damaged');
});

test('a tape stored again keeps location, used bytes and status', (t) => {
  const before = new Inventory([{ ...A, bytesUsed: 7 }]);
  const labels = { label: A.label, mediaSetLabel: { ...A.mediaSetLabel, ctime: 99 } as never };
  const after = before.withTape(labels).get(A.label.uuid);
  t.deepEqual(after, { ...A, bytesUsed: 7, ...labels });
  t.is(before.get(A.label.uuid).mediaSetLabel?.ctime, 10, 'inventories do not change');
});

test('the status goes only when the caller asks for it', (t) => {
  const inventory = new Inventory([A]);
  const labels = { label: A.label, mediaSetLabel: A.mediaSetLabel as never };
  t.is(inventory.withTape(labels, { clearStatus: true }).get(A.label.uuid).status, undefined);
  t.is(inventory.withTape(labels, { clearStatus: false }).get(A.label.uuid).status, 'full');
});

test('a reservation by a zero set label outlives storing the tape without set label, membership does not', (t) => {
  const reserved = tape({ tape: 'R', pool: 'p1', set: 'Z', joined: 3 });
  const inventory = new Inventory([reserved, A]);
  t.deepEqual(inventory.withTape({ label: reserved.label }).get(reserved.label.uuid), reserved);
  t.is(inventory.withTape({ label: A.label }).get(A.label.uuid).mediaSetLabel, undefined);
  const joined = tape({ tape: 'R', pool: 'p1', set: 'a', seq: 1, joined: 20 });
  t.deepEqual(setLabelOf(inventory.withTape(joined).get(reserved.label.uuid)), joined.mediaSetLabel);
});

test('the wrapped key does not enter the inventory', (t) => {
  const mediaSetLabel = { ...(A.mediaSetLabel as object), keyConfig: '{}' } as never;
  const stored = new Inventory([]).withTape({ label: A.label, mediaSetLabel }).get(A.label.uuid);
  t.deepEqual(stored.mediaSetLabel, A.mediaSetLabel);
});

test('status, location and used bytes are set one by one', (t) => {
  const inventory = new Inventory([A]);
  t.is(inventory.withStatus(A.label.uuid, 'retired').get(A.label.uuid).status, 'retired');
  t.deepEqual(inventory.withStatus(A.label.uuid, undefined).entries, [
    tape({ tape: 'A', pool: 'p1', set: 'a', joined: 10, location: 'online-sl3' }),
  ]);
  t.is(inventory.withLocation(A.label.uuid, { kind: 'vault', vault: 'v1' }).get(A.label.uuid).location, 'vault-v1');
  t.is(inventory.withUsedBytes(A.label.uuid, 12).get(A.label.uuid).bytesUsed, 12);
  t.is(inventory.without(A.label.uuid).entries.length, 0);
  t.throws(() => inventory.withStatus(uuidOf('X'), 'full'), { code: 'unknown-tape' });
});

test('tapes are found by label, unless two have it', (t) => {
  const inventory = new Inventory([A, tape({ tape: 'D', uuid: 'D1' }), tape({ tape: 'D', uuid: 'D2' })]);
  t.is(inventory.getByLabel('A').label.uuid, A.label.uuid);
  t.is(inventory.findByLabel('X'), undefined);
  t.throws(() => inventory.getByLabel('X'), { code: 'unknown-tape', message: /no tape with label 'X'/ });
  const both = new RegExp(`${uuidOf('D1')}, ${uuidOf('D2')}`);
  t.throws(() => inventory.findByLabel('D'), { code: 'duplicate-label', message: both });
});

const codec = async () => plainCodec;

test('a missing file is empty; an update writes it for its owner alone', async (t) => {
  const file = new InventoryFile(temporaryInstallation(t), codec);
  t.deepEqual((await file.load()).entries, []);
  await file.update((inventory) => inventory.withTape(A));
  t.deepEqual((await file.load()).entries, [tape({ tape: 'A', pool: 'p1', set: 'a', joined: 10 })]);
  t.is(statSync(file.path).mode & 0o777, 0o600);
});

test('an update that changes nothing does not write', async (t) => {
  const file = new InventoryFile(temporaryInstallation(t), codec);
  await file.update((inventory) => inventory.withTape(A));
  const { ino } = statSync(file.path);
  await file.update((inventory) => inventory);
  t.is(statSync(file.path).ino, ino);
});

test('updates at the same time all arrive', async (t) => {
  const file = new InventoryFile(temporaryInstallation(t), codec);
  const names = Array.from({ length: 20 }, (_, index) => `T${index}`);
  await Promise.all(names.map((name) => file.update((inventory) => inventory.withTape(tape({ tape: name })))));
  t.is((await file.load()).entries.length, 20);
});

test('a damaged file is named, with the way to get it back', async (t) => {
  const installation = temporaryInstallation(t);
  const file = new InventoryFile(installation, codec);
  mkdirSync(installation.paths.statusDir, { recursive: true });
  writeFileSync(file.path, '[{');
  const expected = { code: 'damaged-inventory', message: /inventory\.json is damaged .* --read-all-labels/ };
  await t.throwsAsync(file.load(), expected);
  await t.throwsAsync(
    file.update((inventory) => inventory.withTape(A)),
    expected,
  );
  t.is(readFileSync(file.path, 'utf8'), '[{');
});

test('a file that cannot be read is an error with its path', async (t) => {
  const installation = temporaryInstallation(t);
  mkdirSync(installation.paths.inventoryFile, { recursive: true });
  await t.throwsAsync(new InventoryFile(installation, codec).load(), { message: /cannot read .*inventory\.json/ });
});

test('without the lock nothing is changed', async (t) => {
  const acquireLock = async () => {
    throw Object.assign(new Error('busy'), { code: 'lock-timeout', kind: 'operator' });
  };
  const file = new InventoryFile(temporaryInstallation(t, { acquireLock }), codec);
  const update = file.update(() => t.fail() as never);
  await t.throwsAsync(update, { code: 'lock-timeout', message: /^the inventory is in use by another process/ });
});

test("the service user's file has the mode that PBS gives it", async (t) => {
  const serviceUser = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const file = new InventoryFile(temporaryInstallation(t, { isSuperUser: true, serviceUser }), codec);
  await file.update((inventory) => inventory.withTape(A));
  t.is(statSync(file.path).mode & 0o777, 0o640);
});
