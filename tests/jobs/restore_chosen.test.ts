/** Chosen snapshots and namespaces out of a media set: only what is needed is read, and only what was chosen appears. */
import { existsSync, rmSync, truncateSync } from 'node:fs';
import test from 'ava';
import { destroyMedia } from '../../ts/index.ts';
import { chunkDigest, Site } from './site.ts';

const loads = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => /^loading tape '(.*)' into/.exec(line)?.[1] ?? []);

test('one snapshot: its chunks from earlier archives, and nothing else', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a', 'b']);
  const second = await site.addSnapshot('vm/1', 2, ['b', 'c']);
  await site.addSnapshot('vm/1', 3, ['d']);
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('store2');
  const { summary } = await site.restore({ mediaSet: mediaSetUuid, store: 'store2', snapshots: [`store1:${second}`] });
  t.deepEqual(
    summary.restored.map(({ store, snapshot, target, restoredAs }) => [store, snapshot, target, restoredAs]),
    [['store1', second, 'store2', second]],
  );
  t.deepEqual([summary.chunksRestored, summary.chunksPresent], [2, 0]);
  t.deepEqual(site.snapshots('store2'), [second]);
  t.is(await site.verified('store2'), 1);
  t.false(existsSync(site.path('store2/.tmp')), 'nothing is left beside it');
});

test('over several tapes: only those that are needed are loaded, the one in the drive first', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 12, tapes: ['T1', 'T2', 'T3', 'T4'] });
  const first = await site.addSnapshot('vm/1', 1, ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7']);
  await site.addSnapshot('vm/2', 1, ['b0', 'b1', 'b2', 'b3', 'b4', 'b5']);
  const third = await site.addSnapshot('vm/3', 1, ['a0', 'c1', 'c2', 'c3', 'c4', 'c5']);
  const { mediaSetUuid, media } = (await site.backup()).summary;
  t.is(media.length, 3);
  await site.addTarget('store2');
  const request = { mediaSet: mediaSetUuid, store: 'store2' };
  const { summary, observer } = await site.restore({ ...request, snapshots: [`store1:${third}`] });
  t.deepEqual(
    summary.restored.map(({ snapshot }) => snapshot),
    [third],
  );
  t.deepEqual([...new Set(loads(observer.lines))].at(0), 'T3');
  t.true(loads(observer.lines).includes('T1'), 'chunk a0 is on the first tape');
  t.is(await site.verified('store2'), 1);
  const again = await site.restore({ ...request, snapshots: [`store1:${third}`, `store1:${first}`] });
  t.deepEqual(
    again.summary.restored.map(({ snapshot }) => snapshot),
    [first],
  );
  t.deepEqual(
    again.summary.existing.map(({ snapshot }) => snapshot),
    [third],
  );
  t.is(again.summary.chunksRestored, 7, 'a0 is there already');
});

test('namespaces: source to target, cut at a depth; missing ones are made', async (t) => {
  const site = await Site.make(t);
  const root = await site.addSnapshot('vm/1', 1, ['r']);
  const inner = await site.addSnapshot('vm/1', 1, ['i'], { ns: 'a' });
  const deep = await site.addSnapshot('vm/1', 1, ['d'], { ns: 'a/b' });
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('store2');
  const request = { mediaSet: mediaSetUuid, store: 'store2' };
  const first = await site.restore({ ...request, namespaces: ['store=store1,source=a,target=z,max-depth=0'] });
  t.deepEqual(
    first.summary.restored.map(({ snapshot, restoredAs }) => [snapshot, restoredAs]),
    [[inner, `ns/z/${root}`]],
  );
  const all = await site.restore({ ...request, namespaces: ['store=store1,target=old'] });
  t.deepEqual(all.summary.restored.map(({ snapshot }) => snapshot).sort(), [root, inner, deep].sort());
  t.deepEqual(site.snapshots('store2'), [`ns/old/${root}`, `ns/old/${inner}`, `ns/old/${deep}`, `ns/z/${root}`].sort());
  t.is(await site.verified('store2'), 4);
});

test('what cannot be restored is said, and the rest is restored', async (t) => {
  const site = await Site.make(t);
  const one = await site.addSnapshot('vm/1', 1, ['a']);
  const inner = await site.addSnapshot('vm/2', 1, ['b'], { ns: 'a' });
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('store2');
  const { outcome, observer } = await site.restore({
    mediaSet: mediaSetUuid,
    store: 'store1=store2',
    namespaces: ['store=store1,max-depth=0'],
    snapshots: [`store1:${one}`, `store1:${inner}`, 'store1:vm/9/2024-06-05T09:33:20Z', `other:${one}`],
  });
  t.is(outcome.status, 'WARNINGS: 3');
  t.deepEqual(site.snapshots('store2'), [one]);
  t.true(observer.warnings.some((line) => line.includes(`${inner}: its namespace is not mapped`)));
  t.is(observer.warnings.filter((line) => /it is not in the media set/.test(line)).length, 2);
});

test('a lost tape keeps only those snapshots back that need it', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 14, tapes: ['T1', 'T2', 'T3', 'T4'] });
  const whole = await site.addSnapshot('vm/1', 1, ['a0', 'a1', 'a2']);
  await site.addSnapshot(
    'vm/2',
    1,
    Array.from({ length: 20 }, (_, index) => `b${index}`),
  );
  const needy = await site.addSnapshot('vm/3', 1, ['b10', 'd0']);
  const { mediaSetUuid } = (await site.backup()).summary;
  await destroyMedia(site.installation, { labelText: 'T2', force: true });
  await site.addTarget('store2');
  const request = { mediaSet: mediaSetUuid, store: 'store2' };
  t.is((await site.restore(request).catch((error) => error)).code, 'I2', 'not the whole set');
  const snapshots = [`store1:${whole}`, `store1:${needy}`];
  const { outcome } = await site.restore({ ...request, snapshots });
  t.regex(outcome.status, /everything else is restored, but 1 snapshots are not whole/);
  t.deepEqual(site.snapshots('store2'), [whole]);
  t.is(await site.verified('store2'), 1);
});

test('a missing catalog is asked for; whole sets need none', async (t) => {
  const site = await Site.make(t);
  const one = await site.addSnapshot('vm/1', 1, ['a']);
  const { mediaSetUuid } = (await site.backup()).summary;
  rmSync(site.catalogPath(await site.inventory(), 'T1'));
  await site.addTarget('store2');
  const request = { mediaSet: mediaSetUuid, store: 'store2' };
  const { outcome } = await site.restore({ ...request, snapshots: [`store1:${one}`] });
  t.regex(outcome.status, /the catalog of tape 'T1' .* is missing: .*proxmox-tape catalog/);
  t.is((await site.restore(request)).summary.restored.length, 1);
});

test('a catalog that is about something else than the tape stops before anything is written', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const first = (await site.backup()).summary;
  const two = await site.addSnapshot('vm/1', 2, ['b']);
  await site.backup();
  // The second job's files are gone from the tape, its catalog is not.
  truncateSync(site.tapeFile('T1', 5), 0);
  await site.addTarget('store2');
  const { outcome } = await site.restore({
    mediaSet: first.mediaSetUuid,
    store: 'store2',
    snapshots: [`store1:${two}`],
  });
  t.truthy(outcome.error);
  t.deepEqual(site.snapshots('store2'), []);
  t.false(existsSync(site.path('store2/.chunks', chunkDigest('b').slice(0, 4), chunkDigest('b'))));
});
