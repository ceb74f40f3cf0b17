/** Plans of restores: each is compared with what the restore then does. */
import { rmSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { moveMedia, planRestore, type RestoreParameters, type RestorePlan } from '../../../ts/index.ts';
import { RecordingObserver } from '../../recording_observer.ts';
import { Site } from '../site.ts';

function plan(site: Site, parameters: RestoreParameters): Promise<RestorePlan> {
  return planRestore(site.installation, { drive: 'vdrive', ...parameters }, new RecordingObserver());
}

/** Three tapes; resolves with the media set. */
async function threeTapes(site: Site): Promise<string> {
  await site.addSnapshot('vm/1', 1, ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7']);
  await site.addSnapshot('vm/2', 1, ['b0', 'b1', 'b2', 'b3', 'b4', 'b5']);
  await site.addSnapshot('vm/3', 1, ['a0', 'c1', 'c2', 'c3', 'c4', 'c5']);
  const { summary } = await site.backup();
  await site.addTarget('store2');
  return summary.mediaSetUuid;
}

async function compareWithRun(t: ExecutionContext, site: Site, parameters: RestoreParameters): Promise<RestorePlan> {
  const planned = await plan(site, parameters);
  const { summary } = await site.restore(parameters);
  t.deepEqual(
    planned.tapes.map(({ labelText, seqNr }) => [labelText, seqNr]),
    summary.media.map(({ labelText, seqNr }) => [labelText, seqNr]),
  );
  t.is(planned.mounts, summary.media.length);
  t.is(planned.bytes, summary.bytesRead);
  t.deepEqual(
    planned.restored.map(({ store, snapshot, target }) => ({ store, snapshot, target })),
    summary.restored.map(({ store, snapshot, target }) => ({ store, snapshot, target })),
  );
  t.deepEqual(planned.existing, summary.existing);
  return planned;
}

test('a whole set: its tapes in order, the bytes that are read, what appears', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 12, tapes: ['T1', 'T2', 'T3', 'T4'] });
  const mediaSet = await threeTapes(site);
  const planned = await compareWithRun(t, site, { mediaSet, store: 'store2' });
  t.is(planned.tapes.length, 3);
  t.true(planned.whole && planned.tapes.every(({ atHand }) => atHand));
  const again = await compareWithRun(t, site, { mediaSet, store: 'store2' });
  t.deepEqual([again.restored, again.existing.length], [[], 3]);
});

test('only what is mapped', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('store2');
  const planned = await compareWithRun(t, site, { mediaSet: mediaSetUuid, store: 'other=store2' });
  t.deepEqual(planned.restored, []);
  t.deepEqual(planned.notes, [`no snapshot of 'other' is in media set ${mediaSetUuid}`]);
});

test('chosen snapshots: at most what the plan says', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 12, tapes: ['T1', 'T2', 'T3', 'T4'] });
  const mediaSet = await threeTapes(site);
  const parameters = { mediaSet, store: 'store2', snapshots: ['store1:vm/2/2024-06-06T09:33:20Z'] };
  const planned = await plan(site, parameters);
  const { summary } = await site.restore(parameters);
  t.deepEqual(
    planned.restored.map(({ snapshot }) => snapshot),
    summary.restored.map(({ snapshot }) => snapshot),
  );
  t.is(summary.restored.length, 1);
  t.true(summary.bytesRead <= (planned.bytes ?? 0));
  t.true(summary.media.length <= planned.mounts);
  const names = new Set(planned.tapes.map(({ labelText }) => labelText));
  t.true(summary.media.every(({ labelText }) => names.has(labelText)));
  t.regex(planned.notes.join(), /at most/);
});

test('without catalogs: tapes and bytes, and which catalog is missing', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('store2');
  rmSync(site.catalogPath(await site.inventory(), 'T1'));
  const planned = await plan(site, { mediaSet: mediaSetUuid, store: 'store2' });
  t.deepEqual(
    planned.tapes.map(({ labelText }) => labelText),
    ['T1'],
  );
  t.regex(planned.notes.join(), /which snapshots are on the tapes is not known: .*'T1'/);
});

test('a tape that is not at hand has to be brought', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('store2');
  await moveMedia(site.installation, { labelText: 'T1', vault: 'bank' });
  rmSync(site.path('tapes-vdrive/tape-T1.json'));
  const planned = await plan(site, { mediaSet: mediaSetUuid, store: 'store2' });
  t.like(planned.tapes[0], { location: 'vault-bank', atHand: false });
});
