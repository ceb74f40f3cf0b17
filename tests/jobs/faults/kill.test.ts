/**
 * Commands that are killed at a random moment, with tapes, catalogs and stores as the kill leaves them: the same command run
 * again completes the job, and nothing that was safe is lost. FERRITE_LONG=1 runs more rounds, FERRITE_SEED replays them.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { loadMedia, mediaContent, readLabel } from '../../../ts/index.ts';
import { RecordingObserver, settled } from '../../recording_observer.ts';
import { randomOf } from '../../seeded_random.ts';
import { content, Site } from '../site.ts';
import { Command, pause, run } from './command.ts';

const LONG = process.env.FERRITE_LONG === '1';
const SNAPSHOTS = 16;
const BACKUP = ['backup', 'store1', 'pool1'];

/** 16 snapshots of 4 MB each, and tapes of 20 MB; `saved` is the state before anything is on tape. */
async function manySnapshots(t: ExecutionContext): Promise<Site> {
  const tapes = ['T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7', 'T8'];
  const site = await Site.make(t, { tapeBlocks: 80, tapes });
  for (let number = 0; number < SNAPSHOTS; number++) {
    await site.addSnapshot(`vm/${number}`, 1, [`disk${number}`], { chunkBytes: 4_000_000 });
  }
  save(site);
  await site.addTarget('target');
  return site;
}

const STATE = ['tapes-vdrive', 'var', 'run'];

function save(site: Site): void {
  for (const folder of STATE) cpSync(site.path(folder), site.path('saved', folder), { recursive: true });
}

function reset(site: Site): void {
  for (const folder of STATE) {
    rmSync(site.path(folder), { recursive: true, force: true });
    cpSync(site.path('saved', folder), site.path(folder), { recursive: true });
  }
  emptyTarget(site);
}

function emptyTarget(site: Site): void {
  for (const folder of ['vm', '.chunks']) rmSync(site.path('target', folder), { recursive: true, force: true });
  cpSync(site.path('store1/.chunks'), site.path('target/.chunks'), {
    recursive: true,
    filter: (path) => !/[0-9a-f]{64}$/.test(path),
  });
}

/** How long a command works, from its first word on; and until then. */
async function measure(site: Site, words: readonly string[]): Promise<{ startMs: number; workMs: number }> {
  const started = performance.now();
  const command = new Command(site.installation.root, words);
  await command.said(/\S/);
  const spoke = performance.now();
  const { code, stderr } = await command.ended;
  if (code !== 0) throw new Error(stderr);
  return { startMs: spoke - started, workMs: performance.now() - spoke };
}

/** Kills a command some time after its first word, or before it. Gives the share of its work that it was given. */
async function kill(site: Site, words: readonly string[], workMs: number, next: () => number): Promise<number> {
  const share = next() * 1.1;
  const command = new Command(site.installation.root, words);
  await command.said(/\S/);
  await pause(share * workMs);
  command.signal('SIGKILL');
  await command.ended;
  return share;
}

async function safeSnapshots(site: Site): Promise<string[]> {
  try {
    return (await mediaContent(site.installation, {})).map(({ snapshot }) => snapshot);
  } catch (error) {
    // Half a record at the end of a catalog: the next job cuts it off.
    if (/catalog.*(cut|end)/i.test((error as Error).message)) return [];
    throw error;
  }
}

async function mediaSet(site: Site): Promise<string> {
  const [first] = await mediaContent(site.installation, {});
  return first?.['media-set-uuid'] ?? '';
}

test.serial('backup', async (t) => {
  t.timeout(LONG ? 3_600_000 : 100_000);
  const next = randomOf(t);
  const site = await manySnapshots(t);
  const { workMs } = await measure(site, BACKUP);
  t.is((await safeSnapshots(site)).length, SNAPSHOTS);
  for (let round = 0; round < (LONG ? 60 : 6); round++) {
    reset(site);
    const shares: string[] = [];
    const safe = new Set<string>();
    do {
      shares.push((await kill(site, BACKUP, workMs, next)).toFixed(2));
      for (const snapshot of await safeSnapshots(site)) safe.add(snapshot);
    } while (next() < 0.4);
    const what = `round ${round}, killed after ${shares.join(', ')} of the work`;
    const again = await run(site.installation.root, ...BACKUP);
    t.is(again.code, 0, `${what}: ${again.stdout}${again.stderr}`);
    const content = await safeSnapshots(site);
    t.is(new Set(content).size, SNAPSHOTS, what);
    t.true(
      [...safe].every((snapshot) => content.includes(snapshot)),
      what,
    );
    const { outcome } = await site.restore({ mediaSet: await mediaSet(site), store: 'target' });
    t.is(outcome.error, undefined, what);
    t.is(await site.verified('target'), SNAPSHOTS, what);
    t.log(`${what}: ${safe.size} snapshots were safe`);
  }
});

test.serial('restore', async (t) => {
  t.timeout(LONG ? 3_600_000 : 100_000);
  const next = randomOf(t);
  const site = await manySnapshots(t);
  await site.backup();
  const set = await mediaSet(site);
  const words = ['restore', set, 'target'];
  const { workMs } = await measure(site, words);
  const catalogs = await safeSnapshots(site);
  for (let round = 0; round < (LONG ? 60 : 5); round++) {
    emptyTarget(site);
    const share = await kill(site, words, workMs, next);
    const what = `round ${round}, killed after ${share.toFixed(2)} of the work`;
    const early = await site.verified('target');
    t.deepEqual(await safeSnapshots(site), catalogs, what);
    const again = await run(site.installation.root, ...words);
    t.is(again.code, 0, `${what}: ${again.stdout}${again.stderr}`);
    t.is(await site.verified('target'), SNAPSHOTS, what);
    t.deepEqual(await safeSnapshots(site), catalogs, what);
    t.log(`${what}: ${early} snapshots were there`);
  }
});

test.serial('catalog', async (t) => {
  t.timeout(LONG ? 3_600_000 : 100_000);
  const next = randomOf(t);
  const site = await manySnapshots(t);
  await site.backup();
  const catalogs = await safeSnapshots(site);
  await settled(loadMedia(site.installation, { labelText: 'T2', drive: 'vdrive' }, new RecordingObserver()));
  const words = ['catalog', '--force', '--scan'];
  const { workMs } = await measure(site, words);
  for (let round = 0; round < (LONG ? 60 : 4); round++) {
    const share = await kill(site, words, workMs, next);
    const what = `round ${round}, killed after ${share.toFixed(2)} of the work`;
    t.deepEqual(await safeSnapshots(site), catalogs, what);
    const again = await run(site.installation.root, ...words);
    t.is(again.code, 0, `${what}: ${again.stdout}${again.stderr}`);
    t.deepEqual(await safeSnapshots(site), catalogs, what);
  }
});

test.serial('label', async (t) => {
  t.timeout(LONG ? 3_600_000 : 100_000);
  const next = randomOf(t);
  const site = await Site.make(t, { tapes: [] });
  const blank = async (labelText: string): Promise<string[]> => {
    await settled(loadMedia(site.installation, { labelText, drive: 'vdrive' }, new RecordingObserver()));
    return ['label', '--label-text', labelText, '--pool', 'pool1'];
  };
  const { workMs } = await measure(site, await blank('FIRST'));
  for (let round = 0; round < (LONG ? 60 : 6); round++) {
    const labelText = `L${round}`;
    const words = await blank(labelText);
    const share = await kill(site, words, workMs, next);
    const what = `round ${round}, killed after ${share.toFixed(2)} of the work`;
    const again = await run(site.installation.root, ...words);
    const wasComplete = again.stderr.includes('is in the inventory already');
    t.true(again.code === 0 || wasComplete, `${what}: ${again.stdout}${again.stderr}`);
    const { uuid } = await readLabel(site.installation, { drive: 'vdrive' });
    const { entries } = await site.inventory();
    t.deepEqual(
      entries.filter((entry) => entry.label.labelText === labelText).map((entry) => entry.label.uuid),
      [uuid],
      what,
    );
  }
});

test.serial('snapshot import', async (t) => {
  t.timeout(LONG ? 3_600_000 : 100_000);
  const next = randomOf(t);
  const site = await Site.make(t, { tapes: [] });
  const before = await site.addSnapshot('host/a', 0, ['first']);
  const image = site.path('images/large');
  const parts = Array.from({ length: 12 }, (_, number) => content(`part${number}`, 4_194_304));
  writeFileSync(image, Buffer.concat(parts));
  for (const part of parts) {
    const digest = createHash('sha256').update(part).digest('hex');
    mkdirSync(site.path('store1/.chunks', digest.slice(0, 4)), { recursive: true });
  }
  const words = ['snapshot', 'import', 'store1', 'host/a', `large.img:${image}`, '--backup-time'];
  const started = performance.now();
  await run(site.installation.root, ...words, '1717600000');
  const allMs = performance.now() - started;
  for (let round = 0; round < (LONG ? 60 : 4); round++) {
    const time = String(1_717_700_000 + round);
    // Without the first snapshot's chunks the import has something to write.
    const share = 0.4 + next() * 0.6;
    const command = new Command(site.installation.root, [...words, time]);
    await pause(share * allMs);
    command.signal('SIGKILL');
    const killed = await command.ended;
    const what = `round ${round}, killed after ${share.toFixed(2)} of its time`;
    t.true((await site.verified('store1')) >= 2, what);
    if (killed.code === 0) continue;
    const again = await run(site.installation.root, ...words, time);
    t.true(again.code === 0 || /exists/.test(again.stderr), `${what}: ${again.stderr}`);
    t.is(await site.verified('store1'), 3 + round, what);
  }
  t.true(site.snapshots('store1').includes(before));
});
