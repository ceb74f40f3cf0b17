/** Ctrl-C and two processes at once: what a person at the terminal sees (D21). */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import test from 'ava';
import { mediaContent } from '../../../ts/index.ts';
import { reserveDrive } from '../../../ts/library/drives/drive_state.ts';
import { chunkDigest, Site } from '../site.ts';
import { Command, pause, run } from './command.ts';

const BACKUP = ['backup', 'store1', 'pool1'];

async function someSnapshots(t: Parameters<typeof Site.make>[0], count: number): Promise<Site> {
  const site = await Site.make(t, { tapeBlocks: 80, tapes: ['T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7', 'T8'] });
  for (let number = 0; number < count; number++) {
    await site.addSnapshot(`vm/${number}`, 1, [`disk${number}`], { chunkBytes: 4_000_000 });
  }
  return site;
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`${signal} aborts a backup: committed, the drive released, exit ${code}; the next run goes on`, async (t) => {
    const site = await someSnapshots(t, 12);
    const command = new Command(site.installation.root, BACKUP);
    await command.said(/^end backup/m);
    command.signal(signal);
    const outcome = await command.ended;
    if (outcome.code === 0) return t.pass('it was done before the signal came');
    t.is(outcome.code, code, outcome.stdout);
    t.regex(outcome.stderr, /abort requested/);
    t.regex(outcome.stdout, /^TASK ERROR: /m);
    const safe = (await mediaContent(site.installation, {})).map(({ snapshot }) => snapshot);
    const said = [...outcome.stdout.matchAll(/^end backup store1:(\S+)$/gm)].map(([, snapshot]) => snapshot ?? '');
    t.true(said.length > 0 && said.every((snapshot) => safe.includes(snapshot)), 'what was said to be done is safe');
    const again = await run(site.installation.root, ...BACKUP);
    t.is(again.code, 0, again.stderr);
    t.is((await mediaContent(site.installation, {})).length, 12);
  });
}

test('the first SIGINT ends the wait for a busy drive', async (t) => {
  const site = await someSnapshots(t, 1);
  const held = await reserveDrive(site.installation, { name: 'vdrive', path: site.path('tapes-vdrive') });
  const command = new Command(site.installation.root, BACKUP);
  await command.opened(site.installation.paths.driveLockDir); // it waits
  const started = performance.now();
  command.signal('SIGINT');
  t.is((await command.ended).code, 130);
  t.true(performance.now() - started < 8_000);
  await held.release();
});

test('the second SIGINT ends a command at once, whatever it is stuck in', async (t) => {
  const site = await someSnapshots(t, 1);
  const digest = chunkDigest('disk0', 4_000_000);
  const chunk = site.path('store1/.chunks', digest.slice(0, 4), digest);
  rmSync(chunk);
  execFileSync('mkfifo', [chunk]); // whoever opens it waits for a writer for ever
  const command = new Command(site.installation.root, BACKUP);
  await command.said(/^backup snapshot/m);
  command.signal('SIGINT');
  await command.said(/abort requested/);
  const isStuck = await Promise.race([pause(1_000).then(() => true), command.ended.then(() => false)]);
  command.signal('SIGINT');
  const outcome = await command.ended;
  t.not(outcome.code, 0);
  if (isStuck) t.is(outcome.code, 130);
  t.notRegex(outcome.stdout, /TASK OK/);
});

test('two backups on one drive at once: one waits for the other, and finds nothing left to do', async (t) => {
  const site = await someSnapshots(t, 4);
  const outcomes = await Promise.all([1, 2].map(() => run(site.installation.root, ...BACKUP)));
  t.deepEqual(
    outcomes.map(({ code }) => code),
    [0, 0],
    outcomes.map(({ stderr }) => stderr).join(''),
  );
  t.is(outcomes.filter(({ stdout }) => stdout.includes('nothing to write')).length, 1);
  t.is((await mediaContent(site.installation, {})).length, 4);
});

test('a restore and a backup of the same set exclude each other, and both get done', async (t) => {
  const site = await someSnapshots(t, 2);
  await site.addDrive('other');
  await site.backup();
  const [first] = await mediaContent(site.installation, {});
  await site.addSnapshot('vm/9', 1, ['more'], { chunkBytes: 4_000_000 });
  await site.addTarget('target');
  const [restored, backedUp] = await Promise.all([
    run(site.installation.root, 'restore', first?.['media-set-uuid'] ?? '', 'target', '--drive', 'vdrive'),
    run(site.installation.root, ...BACKUP, '--drive', 'vdrive'),
  ]);
  t.deepEqual([restored?.code, backedUp?.code], [0, 0], `${restored?.stderr}${backedUp?.stderr}`);
  t.true((await site.verified('target')) >= 2);
  t.is((await mediaContent(site.installation, {})).length, 3);
});
