/** Media sets over several jobs and tapes: what is continued, what is skipped, what goes to tape again. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { mediaContent } from '../../ts/index.ts';
import { tapeFiles } from '../pbs_tapes.ts';
import { RecordingObserver } from '../recording_observer.ts';
import { Site } from './site.ts';

const kinds = (site: Site, label: string): string[] =>
  tapeFiles(site.path('tapes-vdrive'), label).map(({ kind }) => kind);

test('S-176: a second job writes only new snapshots, and only new chunks, behind the first', async (t) => {
  const site = await Site.make(t);
  const one = await site.addSnapshot('vm/1', 1, ['a', 'b']);
  const two = await site.addSnapshot('vm/1', 2, ['b', 'c']);
  const first = (await site.backup()).summary;
  t.deepEqual([first.written, first.chunks, first.skippedChunks], [[one, two], 3, 1]);
  const three = await site.addSnapshot('vm/1', 3, ['a', 'c', 'd']);
  const { summary, observer } = await site.backup();
  t.deepEqual([summary.written, summary.skipped, summary.chunks, summary.skippedChunks], [[three], 2, 1, 2]);
  t.is(summary.mediaSetUuid, first.mediaSetUuid);
  t.true(observer.lines.includes(`skip snapshot store1:${one} (already in the media set)`));
  t.deepEqual(kinds(site, 'T1'), [
    'media label',
    'media-set label',
    ...['chunk archive', 'snapshot archive', 'chunk archive', 'snapshot archive', 'catalog archive'],
    ...['chunk archive', 'snapshot archive', 'catalog archive'],
  ]);
  const listed = await mediaContent(site.installation, {});
  t.deepEqual(
    listed.map(({ snapshot }) => snapshot),
    [one, two, three],
  );
});

test('S-177: with policy `always` a second job writes everything to a new set', async (t) => {
  const site = await Site.make(t, { pool: { allocation: 'always' }, tapes: ['T1', 'T2'] });
  const one = await site.addSnapshot('vm/1', 1, ['a']);
  const first = (await site.backup()).summary;
  const two = await site.addSnapshot('vm/1', 2, ['b']);
  const { summary, observer } = await site.backup();
  t.not(summary.mediaSetUuid, first.mediaSetUuid);
  t.deepEqual([summary.written, summary.skipped, summary.chunks], [[one, two], 0, 2]);
  t.deepEqual(
    summary.media.map(({ labelText, seqNr }) => [labelText, seqNr]),
    [['T2', 0]],
  );
  t.true(observer.lines.some((line) => /^starting new media set - reason: policy/.test(line)));
});

test('a new set is started when it is asked for', async (t) => {
  const site = await Site.make(t, { tapes: ['T1', 'T2'] });
  await site.addSnapshot('vm/1', 1, ['a']);
  const first = (await site.backup()).summary;
  const second = (await site.backup({ forceMediaSet: true })).summary;
  t.not(second.mediaSetUuid, first.mediaSetUuid);
  t.is(second.written.length, 1);
});

test('S-178, S-179: latest-only takes the newest finished snapshot of each group, and no older one instead', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const newest = await site.addSnapshot('vm/1', 2, ['b']);
  const other = await site.addSnapshot('ct/5', 1, ['c']);
  mkdirSync(site.path('store1/vm/1/2030-01-01T00:00:00Z')); // an unfinished one: no manifest yet (D13)
  t.deepEqual((await site.backup({ latestOnly: true })).summary.written, [other, newest]);
  const again = (await site.backup({ latestOnly: true })).summary;
  t.deepEqual([again.written, again.skipped], [[], 2]);
  t.is((await site.backup()).summary.written.length, 1);
});

test('S-180: snapshots that vanish while the job runs are told and ignored', async (t) => {
  const site = await Site.make(t);
  const one = await site.addSnapshot('vm/1', 1, ['a']);
  const two = await site.addSnapshot('vm/2', 1, ['b']);
  const three = await site.addSnapshot('vm/3', 1, ['c']);
  const vanish = () => rmSync(site.path('store1', two), { recursive: true });
  const { outcome, observer } = await site.backup({}, new RecordingObserver().when(/^found 3 groups/, vanish));
  t.is(outcome.status, 'OK');
  t.deepEqual(outcome.value?.written, [one, three]);
  t.true(observer.lines.some((line) => line === `skip snapshot store1:${two}: it vanished before its turn`));
});

test('S-181: a snapshot that cannot be read is an error at the end, after everything else is written', async (t) => {
  const site = await Site.make(t);
  const one = await site.addSnapshot('vm/1', 1, ['a']);
  const bad = await site.addSnapshot('vm/2', 1, ['b']);
  const three = await site.addSnapshot('vm/3', 1, ['c']);
  writeFileSync(site.path('store1', bad, 'disk0.img.fidx'), 'no index');
  const { outcome, observer } = await site.backup({ ejectMedia: true });
  t.is(outcome.error?.code, 'snapshots-failed');
  t.true(outcome.error?.message.includes(bad));
  t.true(observer.warnings.some((line) => line.includes(bad)));
  t.deepEqual(
    (await mediaContent(site.installation, {})).map(({ snapshot }) => snapshot),
    [one, three],
  );
  t.is(kinds(site, 'T1').at(-1), 'catalog archive');
  t.is(site.loaded(), undefined, 'ejected all the same');
});

test('S-182: with nothing new no tape is loaded and nothing is written', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.backup({ ejectMedia: true });
  const files = site.tapeFileCount('T1');
  const { outcome } = await site.backup({ ejectMedia: true });
  t.is(outcome.status, 'OK');
  t.deepEqual([outcome.value?.written, outcome.value?.media], [[], []]);
  t.is(site.tapeFileCount('T1'), files);
  t.is(site.loaded(), undefined);
});

test('S-183: a datastore without groups is no error and needs no tape', async (t) => {
  const site = await Site.make(t, { tapes: [] });
  const { outcome } = await site.backup();
  t.is(outcome.status, 'OK');
  t.deepEqual((await site.inventory()).entries, []);
});

test('S-184: the same snapshot of two datastores goes to one set twice, chunks included', async (t) => {
  const site = await Site.make(t);
  await site.addStore('store2');
  await site.addSnapshot('vm/1', 1, ['a', 'b']);
  await site.addSnapshot('vm/1', 1, ['a', 'b'], { store: 'store2' });
  const first = (await site.backup()).summary;
  const second = (await site.backup({ store: 'store2' })).summary;
  t.is(second.mediaSetUuid, first.mediaSetUuid);
  t.deepEqual([second.written, second.skipped, second.chunks], [first.written, 0, 2]);
  t.deepEqual(
    (await mediaContent(site.installation, {})).map(({ store }) => store),
    ['store1', 'store2'],
  );
});

test('S-166, S-185: of a snapshot without new chunks only its own archive is written', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a', 'b']);
  await site.addSnapshot('vm/1', 2, ['a', 'b']);
  const { summary } = await site.backup();
  t.deepEqual([summary.chunks, summary.skippedChunks], [2, 2]);
  t.deepEqual(kinds(site, 'T1').slice(2), ['chunk archive', 'snapshot archive', 'snapshot archive', 'catalog archive']);
});

test('namespaces: all, one with what is below it, one alone', async (t) => {
  const site = await Site.make(t, { pool: { allocation: 'always' }, tapes: ['T1', 'T2', 'T3', 'T4'] });
  const root = await site.addSnapshot('vm/1', 1, ['a']);
  const prod = await site.addSnapshot('vm/1', 1, ['a'], { ns: 'prod' });
  const eu = await site.addSnapshot('vm/1', 1, ['a'], { ns: 'prod/eu' });
  t.is(eu, `ns/prod/ns/eu/${root}`);
  t.deepEqual((await site.backup()).summary.written.toSorted(), [eu, prod, root].toSorted());
  t.deepEqual((await site.backup({ ns: 'prod' })).summary.written.toSorted(), [eu, prod].toSorted());
  t.deepEqual((await site.backup({ ns: 'prod', maxDepth: 0 })).summary.written, [prod]);
  t.deepEqual((await site.backup({ maxDepth: 0 })).summary.written, [root]);
});

test('over several tapes and jobs: every tape brings the catalogs of those before it', async (t) => {
  const labels = ['T1', 'T2', 'T3', 'T4'];
  const site = await Site.make(t, { tapeBlocks: 8, tapes: labels });
  for (const day of [1, 2])
    await site.addSnapshot(
      'vm/1',
      day,
      ['a', 'b', 'c'].map((name) => `${name}${day}`),
    );
  const first = (await site.backup()).summary;
  t.true(first.media.length > 1, 'several tapes');
  const three = await site.addSnapshot('vm/1', 3, ['a1', 'x', 'y']);
  const second = (await site.backup()).summary;
  t.is(second.mediaSetUuid, first.mediaSetUuid);
  t.deepEqual([second.written, second.chunks], [[three], 2]);
  const { entries } = await site.inventory();
  const members = entries.filter((entry) => entry.mediaSetLabel).map((entry) => [entry.mediaSetLabel?.seqNr, entry]);
  for (const [seqNr, entry] of members as [number, (typeof entries)[number]][]) {
    const after = kinds(site, entry.label.labelText).slice(2, 2 + seqNr);
    t.deepEqual(after, new Array(seqNr).fill('catalog archive'), entry.label.labelText);
    t.is(entry.status, seqNr === members.length - 1 ? undefined : 'full');
  }
  await site.addTarget('target');
  const restored = (await site.restore({ mediaSet: first.mediaSetUuid, store: 'target' })).summary;
  t.deepEqual(
    restored.restored.map(({ snapshot }) => snapshot),
    [...first.written, three],
  );
  t.is(await site.verified('target'), 3);
});

test('without a usable tape the job fails in the middle, and goes on when there is one', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 12 });
  for (const day of [1, 2, 3])
    await site.addSnapshot(
      'vm/1',
      day,
      ['a', 'b', 'c'].map((name) => `${name}${day}`),
    );
  const { outcome } = await site.backup({ ejectMedia: true });
  t.is(outcome.error?.code, 'no-media');
  t.regex(outcome.error?.message ?? '', /no usable media in pool 'pool1'/);
  t.is(site.loaded(), 'T1', 'S-187: the tape stays in the drive');
  const safe = await mediaContent(site.installation, {});
  await site.label('T2');
  await site.label('T3');
  const { summary } = await site.backup();
  t.is(summary.written.length, 3 - safe.length);
  t.is(summary.skipped, safe.length);
  await site.addTarget('target');
  await site.restore({ mediaSet: summary.mediaSetUuid, store: 'target' });
  t.is(await site.verified('target'), 3);
});

test('tapes that are too small for a chunk are said to be, instead of taking one after the other', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 3, tapes: ['T1', 'T2', 'T3'] });
  await site.addSnapshot('vm/1', 1, ['a'], { chunkBytes: 2_000_000 });
  const { outcome } = await site.backup();
  t.is(outcome.error?.code, 'tape-too-small');
  t.regex(outcome.error?.message ?? '', /'T\d'.*use larger tapes/);
});

test('an unassigned tape joins the pool that takes it; tapes of another pool are left alone', async (t) => {
  const site = await Site.make(t, { tapes: [] });
  const { createPool } = await import('../../ts/index.ts');
  await createPool(site.installation, { name: 'pool2' });
  await site.label('OTHER', { pool: 'pool2' });
  await site.addSnapshot('vm/1', 1, ['a']);
  t.is((await site.backup()).outcome.error?.code, 'no-media');
  await site.label('FREE', { pool: undefined });
  const { summary } = await site.backup();
  t.deepEqual(
    summary.media.map(({ labelText }) => labelText),
    ['FREE'],
  );
  t.is((await site.inventory()).getByLabel('FREE').mediaSetLabel?.pool, 'pool1');
});
