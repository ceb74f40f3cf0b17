/** What a backup refuses, and in which state it leaves everything then. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { createPool } from '../../ts/index.ts';
import { reserveDrive } from '../../ts/library/drives/drive_state.ts';
import { lockMediaSet } from '../../ts/media/media_locks.ts';
import { RecordingObserver } from '../recording_observer.ts';
import { chunkDigest, Site } from './site.ts';

const FINGERPRINT = Array.from({ length: 32 }, (_, index) => index.toString(16).padStart(2, '0')).join(':');

/** No task was started: there is no log of one. */
function taskCount(site: Site): number {
  const folder = site.installation.paths.taskLogDir;
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true }).filter((name) => `${name}`.includes('backup')).length
    : 0;
}

test('unknown names are refused before anything is locked or written', async (t) => {
  const site = await Site.make(t);
  const codes = [
    [{ store: 'nope' }, 'unknown-datastore'],
    [{ pool: 'nope' }, 'unknown-pool'],
    [{ drive: 'nope' }, 'unknown-drive'],
  ] as const;
  const held = await reserveDrive(site.installation, { name: 'vdrive', path: site.path('tapes-vdrive') });
  for (const [parameters, code] of codes) {
    await t.throwsAsync(site.backup(parameters), { code }, code);
  }
  await held.release();
  t.is(taskCount(site), 0);
});

test('D24: an encrypted pool is refused on a virtual drive before anything is written', async (t) => {
  const site = await Site.make(t, { pool: { encrypt: FINGERPRINT } });
  await site.addSnapshot('vm/1', 1, ['a']);
  await t.throwsAsync(site.backup(), { code: 'no-encryption', message: /'pool1'.*'vdrive'/ });
  t.is(site.tapeFileCount('T1'), 1);
  t.is((await site.inventory()).getByLabel('T1').mediaSetLabel, undefined);
  t.is(taskCount(site), 0);
});

test('export is refused on a drive without mail slots', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  await t.throwsAsync(site.backup({ exportMediaSet: true }), { code: 'no-export', message: /--export-media-set/ });
  t.is(site.tapeFileCount('T1'), 1);
});

test('S-193: a busy drive is waited for ten seconds; the error says who has it', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const held = await reserveDrive(site.installation, { name: 'vdrive', path: site.path('tapes-vdrive') });
  await held.setState('UPID:of:the:other:task');
  const started = Date.now();
  await t.throwsAsync(site.backup(), {
    code: 'drive-busy',
    message: /'vdrive' is busy \(UPID:of:the:other:task; waited 10 s\)/,
  });
  t.true(Date.now() - started >= 9_900);
  await held.release();
  t.is((await site.backup()).outcome.status, 'OK');
});

test('a media set that a restore reads is not written to', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addSnapshot('vm/1', 2, ['b']);
  const lock = await lockMediaSet(site.installation, mediaSetUuid);
  const { outcome } = await site.backup();
  lock.release();
  t.is(outcome.error?.code, 'lock-timeout');
  t.true(outcome.error?.message.includes(mediaSetUuid));
  t.is((await site.backup()).summary.written.length, 1);
});

const storeSection = (site: Site, line: string): void =>
  appendFileSync(site.installation.paths.configFile('datastore.cfg'), `\t${line}\n`);

test('maintenance modes: offline and delete keep a backup away, read-only does not', async (t) => {
  for (const [mode, refused] of [
    ['offline', true],
    ['delete', true],
    ['read-only', false],
  ] as const) {
    const site = await Site.make(t);
    await site.addSnapshot('vm/1', 1, ['a']);
    storeSection(site, `maintenance-mode type=${mode},message="moved to rack 7"`);
    if (refused) {
      await t.throwsAsync(site.backup(), { code: 'datastore-not-usable', message: /'store1'.*moved to rack 7/ }, mode);
    } else {
      t.is((await site.backup()).outcome.status, 'OK', mode);
    }
  }
});

test('a removable datastore that is not mounted is named with its place', async (t) => {
  const site = await Site.make(t);
  storeSection(site, 'backing-device 0123abcd-0123-4123-8123-0123456789ab');
  await t.throwsAsync(site.backup(), {
    code: 'not-mounted',
    message: /'store1' is not mounted.*mnt\/datastore\/store1/,
  });
});

test('a datastore whose directory is gone is named with its path', async (t) => {
  const site = await Site.make(t);
  rmSync(site.path('store1'), { recursive: true });
  await t.throwsAsync(site.backup(), { message: new RegExp(site.path('store1')) });
});

test('a tape directory that is gone is named with its path', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  rmSync(site.path('tapes-vdrive'), { recursive: true });
  const { outcome } = await site.backup();
  t.true(outcome.error?.message.includes(site.path('tapes-vdrive')), outcome.error?.message);
});

/** Runs `work` with a read-only file system in place of a folder. */
async function readOnly(folder: string, work: () => Promise<void>): Promise<boolean> {
  try {
    execFileSync('mount', ['--bind', folder, folder], { stdio: 'pipe' });
  } catch {
    process.stderr.write('SKIP root: no permission to mount\n');
    return false;
  }
  try {
    execFileSync('mount', ['-o', 'remount,bind,ro', folder], { stdio: 'pipe' });
    await work();
  } finally {
    execFileSync('umount', [folder], { stdio: 'pipe' });
  }
  return true;
}

test('a datastore on a read-only file system can be backed up', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const mounted = await readOnly(site.path('store1'), async () => {
    t.is((await site.backup()).outcome.status, 'OK');
  });
  if (!mounted) t.pass();
});

test('tapes on a read-only file system are refused as write protected', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const mounted = await readOnly(site.path('tapes-vdrive'), async () => {
    const { outcome } = await site.backup();
    t.regex(outcome.error?.message ?? '', /write.?protected/i);
  });
  if (!mounted) t.pass();
  t.is((await site.backup()).outcome.status, 'OK');
});

test('two backups at once, each with its drive: both are whole, in sets of their own', async (t) => {
  const site = await Site.make(t, { tapes: [] });
  await site.addDrive('other');
  for (const drive of ['vdrive', 'other']) await site.label(`T-${drive}`, { drive });
  for (const id of ['1', '2', '3', '4']) await site.addSnapshot(`vm/${id}`, 1, [`a${id}`, `b${id}`]);
  const [one, two] = await Promise.all([site.backup(), site.backup({ drive: 'other' })]);
  t.not(one?.summary.mediaSetUuid, two?.summary.mediaSetUuid);
  for (const { summary } of [one, two]) t.is(summary.written.length, 4);
  await site.addTarget('target');
  await site.restore({ mediaSet: two.summary.mediaSetUuid, store: 'target', drive: 'other' });
  t.is(await site.verified('target'), 4);
});

test('an abort ends the task between two archives; what was committed is not written again', async (t) => {
  const site = await Site.make(t);
  for (const id of ['1', '2', '3', '4', '5', '6'])
    await site.addSnapshot(`vm/${id}`, 1, [`a${id}`, `b${id}`, `c${id}`]);
  const observer = new RecordingObserver();
  observer.when(/^wrote 3 chunks/, () => observer.abort.abort());
  const { outcome } = await site.backup({}, observer);
  // It may have been done before the line was told.
  if (outcome.error) t.is(outcome.error.kind, 'aborted');
  const { summary } = await site.backup();
  t.is(summary.written.length + summary.skipped, 6);
});

test('an abort before the work begins leaves the tape alone', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const observer = new RecordingObserver();
  observer.abort.abort();
  await t.throwsAsync(site.backup({}, observer), { code: 'aborted' });
  t.is(site.tapeFileCount('T1'), 1);
  t.is((await site.backup()).outcome.status, 'OK');
});

/** Where the chunk with this content lies. */
function chunkPath(site: Site, name: string): string {
  const digest = chunkDigest(name);
  return site.path('store1/.chunks', digest.slice(0, 4), digest);
}

test('a corrupt chunk in the source stops the job and is named; the snapshots before it are safe', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.addSnapshot('vm/2', 1, ['b']);
  const chunk = chunkPath(site, 'b');
  const sound = readFileSync(chunk);
  const corrupt = Buffer.from(sound);
  corrupt.writeUInt8(corrupt.readUInt8(1000) ^ 1, 1000);
  writeFileSync(chunk, corrupt);
  const { outcome } = await site.backup();
  t.is(outcome.error?.kind, 'data');
  t.true(outcome.error?.message.includes(chunkDigest('b')), outcome.error?.message);
  t.true(outcome.error?.message.includes('vm/2'), outcome.error?.message);
  writeFileSync(chunk, sound);
  const { summary } = await site.backup();
  t.deepEqual([summary.written.length, summary.skipped], [1, 1]);
});

test('a missing chunk in the source is named', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  rmSync(chunkPath(site, 'a'));
  const { outcome } = await site.backup();
  t.is(outcome.error?.kind, 'data');
  t.true(outcome.error?.message.includes(chunkDigest('a')), outcome.error?.message);
});

test('with the SHA-256 option a chunk under a wrong name is found, which its CRC does not tell', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a', 'b']);
  copyFileSync(chunkPath(site, 'a'), chunkPath(site, 'b'));
  t.is((await site.backup({ verify: 'sha256' })).outcome.error?.kind, 'data');
  t.is((await site.backup({ verify: 'crc' })).outcome.status, 'OK');
});

test('a pool has its own drive when it names one', async (t) => {
  const site = await Site.make(t, { tapes: [] });
  await site.addDrive('other');
  await createPool(site.installation, { name: 'pool2', drive: 'other' });
  await site.label('P1', { pool: 'pool2', drive: 'other' });
  await site.addSnapshot('vm/1', 1, ['a']);
  t.is((await site.backup({ pool: 'pool2', drive: undefined })).summary.written.length, 1);
  t.is(site.loaded('other'), 'P1');
  await t.throwsAsync(site.backup({ drive: undefined }), {
    message: /default drive/,
  });
});
