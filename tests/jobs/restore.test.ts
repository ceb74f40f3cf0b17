/** Restores: mapping, owners, what is there already, what is not whole on the tapes, and damage of every kind. */
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { mediaContent } from '../../ts/index.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import { mediaSetLockPath } from '../../ts/media/media_locks.ts';
import { tapeFiles } from '../pbs_tapes.ts';
import { RecordingObserver } from '../recording_observer.ts';
import { chunkDigest, isLocked, Site } from './site.ts';

const BLOCK = 262_144;

/** Two datastores on one tape. */
async function twoStores(t: ExecutionContext): Promise<{ site: Site; mediaSet: string }> {
  const site = await Site.make(t);
  await site.addStore('store2');
  await site.addSnapshot('vm/1', 1, ['a']);
  await site.addSnapshot('ct/2', 1, ['b'], { store: 'store2' });
  await site.backup();
  const { mediaSetUuid } = (await site.backup({ store: 'store2' })).summary;
  for (const target of ['target', 'other']) await site.addTarget(target, 'store1', 'store2');
  return { site, mediaSet: mediaSetUuid };
}

test('S-152, S-153: each source goes where it is mapped, or is skipped', async (t) => {
  const { site, mediaSet } = await twoStores(t);
  const vm = 'vm/1/2024-06-06T09:33:20Z';
  const ct = 'ct/2/2024-06-06T09:33:20Z';
  const first = (await site.restore({ mediaSet, store: 'store2=target' })).summary;
  t.deepEqual(
    first.restored.map(({ snapshot, target }) => [snapshot, target]),
    [[ct, 'target']],
  );
  t.deepEqual(first.skipped, [{ store: 'store1', snapshot: vm }]);
  t.deepEqual(
    readdirSync(site.path('target/.chunks', chunkDigest('a').slice(0, 4))),
    [],
    'no chunk of what is not mapped',
  );

  const second = (await site.restore({ mediaSet, store: 'store2=target,other' })).summary;
  t.deepEqual(
    second.restored.map(({ snapshot, target }) => [snapshot, target]),
    [[vm, 'other']],
  );
  t.deepEqual(second.existing, [{ store: 'store2', snapshot: ct }]);
  t.deepEqual(site.snapshots('target'), [ct]);
  t.deepEqual(site.snapshots('other'), [vm]);
  t.is((await mediaContent(site.installation, {})).length, 2, 'the rebuilt catalog names what was not mapped');
});

test('S-154: several sources can go to one target', async (t) => {
  const { site, mediaSet } = await twoStores(t);
  const { restored } = (await site.restore({ mediaSet, store: 'store1=target,store2=target' })).summary;
  t.deepEqual(
    restored.map(({ store, target }) => [store, target]),
    [
      ['store1', 'target'],
      ['store2', 'target'],
    ],
  );
  t.is(await site.verified('target'), 2);
});

test('a source that the set does not have is warned of', async (t) => {
  const { site, mediaSet } = await twoStores(t);
  const { outcome, observer } = await site.restore({ mediaSet, store: 'stroe1=target' });
  t.is(outcome.status, 'WARNINGS: 1');
  t.true(observer.warnings.includes(`no snapshot of 'stroe1' is in media set ${mediaSet}`));
});

test('S-155, S-156 and other requests that cannot be meant are refused at once', async (t) => {
  const { site, mediaSet } = await twoStores(t);
  const unknown = '00000000-0000-4000-8000-00000000beef';
  for (const [request, code] of [
    [{ mediaSet, store: 'd,e' }, 'bad-mapping'],
    [{ mediaSet, store: '' }, 'bad-mapping'],
    [{ mediaSet, store: 'nope' }, 'unknown-datastore'],
    [{ mediaSet: 'monday', store: 'store1' }, 'bad-parameter'],
    [{ mediaSet: unknown, store: 'store1' }, 'unknown-media-set'],
  ] as const) {
    await t.throwsAsync(site.restore(request), { code }, `${request.store} ${code}`);
  }
});

test('S-158: a second restore finds everything there, and changes nothing', async (t) => {
  const { site, mediaSet } = await twoStores(t);
  await site.restore({ mediaSet, store: 'target' });
  const { summary, outcome } = await site.restore({ mediaSet, store: 'target' });
  t.is(outcome.status, 'OK');
  t.deepEqual([summary.restored, summary.existing.length, summary.chunksRestored], [[], 2, 0]);
});

test('S-159: a group of another owner ends the restore with an error that names both', async (t) => {
  const { site, mediaSet } = await twoStores(t);
  await site.restore({ mediaSet, store: 'store1=target', owner: 'alice@pbs' });
  t.is(readFileSync(site.path('target/vm/1/owner'), 'utf8').trim(), 'alice@pbs');
  const { outcome } = await site.restore({ mediaSet, store: 'target' });
  t.regex(outcome.error?.message ?? '', /vm\/1.*alice@pbs.*root@pam|vm\/1.*root@pam.*alice@pbs/);
  t.is((await site.restore({ mediaSet, store: 'target', owner: 'alice@pbs' })).outcome.status, 'OK');
});

test('I2: with a tape missing in the inventory nothing is read', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 8, tapes: ['T1', 'T2', 'T3'] });
  for (const day of [1, 2])
    await site.addSnapshot(
      'vm/1',
      day,
      ['a', 'b', 'c'].map((name) => `${name}${day}`),
    );
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('target');
  const file = new InventoryFile(site.installation);
  const first = (await file.load()).getByLabel('T1');
  await file.update((inventory) => inventory.without(first.label.uuid));
  await t.throwsAsync(site.restore({ mediaSet: mediaSetUuid, store: 'target' }), {
    code: 'I2',
    message: /tape number 0 is not known.*read-label --inventorize/,
  });
});

test('a tape that is not in the library is asked for, and no other is made under its name', async (t) => {
  const { site, mediaSet } = await twoStores(t);
  const index = site.path('tapes-vdrive/tape-T1.json');
  const files = readFileSync(index);
  rmSync(index);
  const { outcome } = await site.restore({ mediaSet, store: 'target' });
  t.is(outcome.error?.code, 'tape-offline');
  t.regex(outcome.error?.message ?? '', /'T1'.*'vdrive'/);
  t.false(existsSync(index));
  writeFileSync(index, files);
  t.is((await site.restore({ mediaSet, store: 'target' })).outcome.status, 'OK');
});

test('tapes of one set in several pools are refused', async (t) => {
  const site = await Site.make(t, { tapeBlocks: 8, tapes: ['T1', 'T2', 'T3'] });
  for (const day of [1, 2])
    await site.addSnapshot(
      'vm/1',
      day,
      ['a', 'b', 'c'].map((name) => `${name}${day}`),
    );
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('target');
  await new InventoryFile(site.installation).update((inventory) => {
    const { label, mediaSetLabel } = inventory.getByLabel('T1');
    return mediaSetLabel
      ? inventory.withTape({ label, mediaSetLabel: { ...mediaSetLabel, pool: 'pool9' } })
      : inventory;
  });
  await t.throwsAsync(site.restore({ mediaSet: mediaSetUuid, store: 'target' }), {
    code: 'I1',
    message: /'T1' in pool 'pool9'/,
  });
});

test('I3: a tape that is in another set now stops the restore', async (t) => {
  const site = await Site.make(t, { pool: { allocation: 'always', retention: 'overwrite' } });
  await site.addSnapshot('vm/1', 1, ['a']);
  const { mediaSetUuid } = (await site.backup()).summary;
  const inventory = readFileSync(site.installation.paths.inventoryFile);
  await site.backup();
  writeFileSync(site.installation.paths.inventoryFile, inventory);
  await site.addTarget('target');
  const { outcome } = await site.restore({ mediaSet: mediaSetUuid, store: 'target' });
  t.is(outcome.error?.code, 'I3');
  t.regex(
    outcome.error?.message ?? '',
    /'T1' belongs to media set .* now: run 'proxmox-tape read-label --inventorize'/,
  );
});

test('an abort leaves whole snapshots only, and the same restore goes on', async (t) => {
  const site = await Site.make(t);
  for (const id of ['1', '2', '3', '4']) await site.addSnapshot(`vm/${id}`, 1, [`a${id}`, `b${id}`]);
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('target');
  const observer = new RecordingObserver();
  observer.when(/^file \d+: snapshot/, () => observer.abort.abort());
  const { outcome } = await site.restore({ mediaSet: mediaSetUuid, store: 'target' }, observer);
  if (outcome.error) t.is(outcome.error.kind, 'aborted');
  const early = site.snapshots('target').length;
  t.is(await site.verified('target'), early);
  const { summary } = await site.restore({ mediaSet: mediaSetUuid, store: 'target' });
  t.is(summary.restored.length + summary.existing.length, 4);
  t.is(await site.verified('target'), 4);
});

test('the set stays locked until the restore ends (D20)', async (t) => {
  const site = await Site.make(t);
  await site.addSnapshot('vm/1', 1, ['a']);
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('target');
  const path = mediaSetLockPath(site.installation.paths.statusDir, mediaSetUuid);
  const found: boolean[] = [];
  const observer = new RecordingObserver();
  for (const line of [/^found media label/, /^restored 1 snapshots/])
    observer.when(line, () => found.push(isLocked(path)));
  await site.restore({ mediaSet: mediaSetUuid, store: 'target' }, observer);
  t.deepEqual([...found, isLocked(path)], [true, true, false]);
});

// ------------------------------------------------------------ damage

/** A tape with three snapshots, and a target to restore it to. */
async function damaged(t: ExecutionContext, damage: (site: Site) => void) {
  const site = await Site.make(t);
  for (const id of ['1', '2', '3']) await site.addSnapshot(`vm/${id}`, 1, [`a${id}`, `b${id}`]);
  const { mediaSetUuid } = (await site.backup()).summary;
  await site.addTarget('target');
  damage(site);
  return { site, mediaSet: mediaSetUuid, restored: await site.restore({ mediaSet: mediaSetUuid, store: 'target' }) };
}

// Files of the tape: labels, then chunk and snapshot archive of each snapshot, then the catalog.
const CHUNKS_OF_2 = 4;
const FILES_OF_2 = 5;

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
  writeFileSync(path, bytes);
}

test('a flipped bit in a chunk stops the restore: file, block and chunk are named, nothing unsound is kept', async (t) => {
  const { site, restored } = await damaged(t, (each) => flip(each.tapeFile('T1', CHUNKS_OF_2), BLOCK + 5000));
  t.is(restored.outcome.error?.kind, 'data');
  t.regex(restored.outcome.error?.message ?? '', /^tape 'T1': tape file 4 \(block 1\), chunk [0-9a-f]{64}/);
  t.deepEqual(site.snapshots('target'), ['vm/1/2024-06-06T09:33:20Z']);
  t.is(await site.verified('target'), 1);
});

test('a flipped bit in a block header stops the restore: file and block are named', async (t) => {
  const { restored } = await damaged(t, (each) => flip(each.tapeFile('T1', CHUNKS_OF_2), BLOCK + 3));
  t.is(restored.outcome.error?.kind, 'data');
  t.regex(restored.outcome.error?.message ?? '', /^tape 'T1': tape file 4.*block 1/);
});

test('swapped blocks stop the restore', async (t) => {
  const { restored } = await damaged(t, (site) => {
    const bytes = readFileSync(site.tapeFile('T1', CHUNKS_OF_2));
    const blocks = [bytes.subarray(0, BLOCK), bytes.subarray(2 * BLOCK, 3 * BLOCK), bytes.subarray(BLOCK, 2 * BLOCK)];
    writeFileSync(site.tapeFile('T1', CHUNKS_OF_2), Buffer.concat(blocks));
  });
  t.is(restored.outcome.error?.kind, 'data');
  t.regex(
    restored.outcome.error?.message ?? '',
    /^tape 'T1': tape file 4: blocks out of sequence: expected number 1, found 2/,
  );
});

test('a missing tape file stops the restore and is named', async (t) => {
  const { site, restored } = await damaged(t, (each) => rmSync(each.tapeFile('T1', FILES_OF_2)));
  t.is(restored.outcome.error?.kind, 'data');
  t.true(restored.outcome.error?.message.includes(site.tapeFile('T1', FILES_OF_2)), restored.outcome.error?.message);
});

test('an index of the virtual tape that is garbage is named', async (t) => {
  const { site, restored } = await damaged(t, (each) =>
    writeFileSync(each.path('tapes-vdrive/tape-T1.json'), '{"files": "many'),
  );
  t.is(restored.outcome.error?.kind, 'data');
  t.true(
    restored.outcome.error?.message.includes(site.path('tapes-vdrive/tape-T1.json')),
    restored.outcome.error?.message,
  );
});

for (const [where, length] of [
  ['between two blocks', BLOCK],
  ['in the middle of a block', BLOCK + 1000],
  ['before its first block', 0],
] as const) {
  test(`chunks cut off ${where}: everything else is restored, and the snapshot that lacks them is an error`, async (t) => {
    const { site, restored } = await damaged(t, (each) => truncateSync(each.tapeFile('T1', CHUNKS_OF_2), length));
    t.is(restored.outcome.error?.code, 'snapshots-lost');
    t.regex(restored.outcome.error?.message ?? '', /1 snapshots.*\n.*'T1', file 5: snapshot store1:vm\/2/);
    if (length > 0) t.true(restored.observer.warnings.some((line) => /tape 'T1': .*file 4/.test(line)));
    t.deepEqual(site.snapshots('target'), ['vm/1/2024-06-06T09:33:20Z', 'vm/3/2024-06-06T09:33:20Z']);
    t.is(await site.verified('target'), 2);
  });
}

test('a snapshot archive that is cut off is warned of, and what was written after it counts', async (t) => {
  const { site, restored } = await damaged(t, (each) => truncateSync(each.tapeFile('T1', FILES_OF_2), 1000));
  t.is(restored.outcome.error, undefined);
  t.deepEqual(site.snapshots('target'), ['vm/1/2024-06-06T09:33:20Z', 'vm/3/2024-06-06T09:33:20Z']);
});

test('a snapshot that is not whole at first, and whole further on, is restored without an error', async (t) => {
  const site = await Site.make(t, { tapes: ['T1', 'T2'] });
  await site.addSnapshot('vm/1', 1, ['a']);
  const { mediaSetUuid } = (await site.backup()).summary;
  const { paths } = site.installation;
  // As after a kill before the commit: the next job writes everything again, and the first chunks were bad anyway.
  const { createCatalog } = await import('../../ts/native.ts');
  const { label, mediaSetLabel } = (await site.inventory()).getByLabel('T1');
  await createCatalog(paths.catalogFile(label.uuid), { label, ...(mediaSetLabel && { mediaSetLabel }) });
  truncateSync(site.tapeFile('T1', 2), BLOCK);
  t.is((await site.backup()).summary.mediaSetUuid, mediaSetUuid);
  await site.addTarget('target');
  const { summary } = await site.restore({ mediaSet: mediaSetUuid, store: 'target' });
  t.deepEqual([summary.lost.length, summary.restored.length], [1, 1]);
  t.is(await site.verified('target'), 1);
  t.is(tapeFiles(site.path('tapes-vdrive'), 'T1').filter(({ kind }) => kind === 'snapshot archive').length, 2);
});
