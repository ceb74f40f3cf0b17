import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { addDrive } from '../../ts/config/drives.ts';
import type { Installation } from '../../ts/config/installation.ts';
import { parseAllocation, parseRetention, setsInRotation } from '../../ts/config/media_policy.ts';
import { createPool, listPools, poolConfig, removePool, updatePool } from '../../ts/config/pools.ts';
import { temporaryInstallation } from '../temporary_installation.ts';

const read = (installation: Installation, name: 'media-pool.cfg' | 'ferrite.cfg') =>
  readFileSync(installation.paths.configFile(name), 'utf8');

async function withDrive(installation: Installation, name = 'mydrive'): Promise<Installation> {
  await addDrive(installation, { type: 'virtual', name, path: join(installation.root, name) });
  return installation;
}

test('as in the manual: create with a drive, then set the policies', async (t) => {
  const installation = await withDrive(temporaryInstallation(t));
  t.deepEqual(await createPool(installation, { name: 'daily', drive: 'mydrive' }), []);
  t.is(read(installation, 'media-pool.cfg'), 'pool: daily\n');
  t.is(read(installation, 'ferrite.cfg'), 'pool: daily\n\tdrive mydrive\n');
  await updatePool(installation, 'daily', { allocation: 'daily', retention: '7days' });
  t.deepEqual(await listPools(installation), [
    { name: 'daily', allocation: 'daily', retention: '7days', drive: 'mydrive' },
  ]);
  t.is(read(installation, 'media-pool.cfg'), 'pool: daily\n\tallocation daily\n\tretention 7days\n');
});

test('S-202 an allocation that is neither keyword nor calendar event is refused', async (t) => {
  const installation = temporaryInstallation(t);
  await t.throwsAsync(createPool(installation, { name: 'daily', allocation: 'sometimes' }), {
    code: 'bad-parameter',
    message: /'allocation' cannot be used: 'sometimes' is neither continue nor always nor a calendar event/,
  });
  t.false(existsSync(installation.paths.configFile('media-pool.cfg')));
});

test('S-203 a retention is stored as given', async (t) => {
  const installation = temporaryInstallation(t);
  await createPool(installation, { name: 'daily' });
  await updatePool(installation, 'daily', { retention: '2 weeks' });
  t.is((await poolConfig(installation, 'daily')).retention, '2 weeks');
  await t.throwsAsync(updatePool(installation, 'daily', { retention: 'soon' }), { code: 'bad-parameter' });
});

test('events that read differently from what they look like are refused now, but kept where they stand', async (t) => {
  const installation = temporaryInstallation(t);
  await t.throwsAsync(createPool(installation, { name: 'p1', allocation: '24:00' }), {
    message: /hours go from 0 to 23/,
  });
  mkdirSync(installation.paths.configDir, { recursive: true });
  writeFileSync(installation.paths.configFile('media-pool.cfg'), 'pool: p1\n\tallocation 24:00\n');
  await updatePool(installation, 'p1', { comment: ' old  ' });
  t.is(read(installation, 'media-pool.cfg'), 'pool: p1\n\tallocation 24:00\n\tcomment old\n');
});

test('delete comes before set, blank comments disappear, other properties stay', async (t) => {
  const installation = temporaryInstallation(t);
  await addDrive(installation, { type: 'lto', name: 'mydrive', path: join(installation.root, 'mydrive') });
  const encrypt = Array.from({ length: 32 }, () => 'AB').join(':');
  await createPool(installation, { name: 'p1', encrypt, comment: 'x', template: 'set-%F', drive: 'mydrive' });
  t.is((await poolConfig(installation, 'p1')).encrypt, encrypt.toLowerCase());
  await updatePool(installation, 'p1', { template: '%c' }, { delete: ['template', 'encrypt'] });
  t.deepEqual(await poolConfig(installation, 'p1'), { name: 'p1', comment: 'x', template: '%c', drive: 'mydrive' });
  await updatePool(installation, 'p1', { comment: '   ' });
  t.deepEqual(await poolConfig(installation, 'p1'), { name: 'p1', template: '%c', drive: 'mydrive' });
  await updatePool(installation, 'p1', {}, { delete: ['drive'] });
  t.is(read(installation, 'ferrite.cfg'), '');
  await t.throwsAsync(updatePool(installation, 'p1', {}, { delete: ['name' as never] }), { code: 'bad-parameter' });
  await t.throwsAsync(updatePool(installation, 'p1', { comment: 'a\nb' }), { code: 'bad-parameter' });
});

test('an encrypted pool cannot have a virtual drive', async (t) => {
  const installation = await withDrive(temporaryInstallation(t));
  const encrypt = Array.from({ length: 32 }, () => 'ab').join(':');
  const refusal = { code: 'no-encryption', message: /'p1' cannot be encrypted on drive 'mydrive'/ };
  await t.throwsAsync(createPool(installation, { name: 'p1', encrypt, drive: 'mydrive' }), refusal);
  t.deepEqual(await listPools(installation), []);
  await createPool(installation, { name: 'p1', encrypt });
  await t.throwsAsync(updatePool(installation, 'p1', { drive: 'mydrive' }), refusal);
  await createPool(installation, { name: 'p2', drive: 'mydrive' });
  await t.throwsAsync(updatePool(installation, 'p2', { encrypt }), { code: 'no-encryption' });
});

test('a pool needs a drive that exists', async (t) => {
  const installation = temporaryInstallation(t);
  await t.throwsAsync(createPool(installation, { name: 'p1', drive: 'nope' }), { code: 'unknown-drive' });
  await createPool(installation, { name: 'p1' });
  await t.throwsAsync(updatePool(installation, 'p1', { drive: 'nope' }), { code: 'unknown-drive' });
});

test('what ferrite.cfg holds beside the drive stays', async (t) => {
  const installation = await withDrive(temporaryInstallation(t));
  await createPool(installation, { name: 'p1', drive: 'mydrive' });
  writeFileSync(installation.paths.configFile('ferrite.cfg'), 'pool: p1\n\tdrive mydrive\n\tfuture 1\n');
  await updatePool(installation, 'p1', {}, { delete: ['drive'] });
  t.is(read(installation, 'ferrite.cfg'), 'pool: p1\n\tfuture 1\n');
});

test('pools are listed by name, created once, removed with what is ours', async (t) => {
  const installation = await withDrive(temporaryInstallation(t));
  for (const name of ['weekly', 'daily']) await createPool(installation, { name, drive: 'mydrive' });
  t.deepEqual(
    (await listPools(installation)).map(({ name }) => name),
    ['daily', 'weekly'],
  );
  await t.throwsAsync(createPool(installation, { name: 'daily' }), { code: 'already-exists' });
  await removePool(installation, 'daily');
  t.is(read(installation, 'ferrite.cfg'), 'pool: weekly\n\tdrive mydrive\n');
  await t.throwsAsync(removePool(installation, 'daily'), { code: 'unknown-pool' });
  await t.throwsAsync(poolConfig(installation, 'daily'), { code: 'unknown-pool' });
  await t.throwsAsync(updatePool(installation, 'daily', {}), { code: 'unknown-pool' });
});

test('a new pool does not inherit the drive of a removed one', async (t) => {
  const installation = await withDrive(temporaryInstallation(t));
  mkdirSync(installation.paths.configDir, { recursive: true });
  writeFileSync(installation.paths.configFile('ferrite.cfg'), 'pool: p1\n\tdrive mydrive\n');
  await createPool(installation, { name: 'p1' });
  t.deepEqual(await poolConfig(installation, 'p1'), { name: 'p1' });
});

test('D2: daily with 7days says that an eighth set is needed', async (t) => {
  const installation = temporaryInstallation(t);
  const notes = await createPool(installation, { name: 'daily', allocation: 'daily', retention: '7days' });
  t.is(notes.length, 1);
  t.regex(notes[0] ?? '', /retention \(1w\) .* allocation 'daily' 8 sets, not 7, are in use/);
  t.is((await updatePool(installation, 'daily', { retention: '6days' })).length, 1);
  t.deepEqual(await updatePool(installation, 'daily', { comment: 'x' }), []);
  t.deepEqual(await updatePool(installation, 'daily', { allocation: 'always' }), []);
});

test('sets in rotation', (t) => {
  const needed = (allocation: string, retention: string) =>
    setsInRotation(parseAllocation(allocation), parseRetention(retention), 1_700_000_000, 'UTC')?.needed;
  t.is(needed('weekly', '5w'), 6);
  t.is(needed('monthly', '365d'), 15); // months of 28 days count
  t.is(needed('mon..fri 18:00', '7days'), 8);
  t.is(needed('always', '7days'), undefined);
  t.is(needed('daily', 'keep'), undefined);
  t.is(needed('2020-01-01', '7days'), undefined);
});
