/**
 * Where a tape ends (behaviour.md 9.12): two backups, the second of which appends, over tapes of every length by the block. At
 * some the first job ends in the warning zone, at some on the tape's very last block, which has no warning to give any more.
 */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { addChanger } from '../../ts/config/changers.ts';
import { addDrive } from '../../ts/config/drives.ts';
import { createPool, labelMedia, loadMedia, mediaContent } from '../../ts/index.ts';
import { EmulatedLibrary } from '../../ts/native.ts';
import { RecordingObserver, settled } from '../recording_observer.ts';
import { Site } from './site.ts';

const BLOCK_BYTES = 262_144;
const DRIVE = { drive: 'drive0' };
/** Blocks of the first tape: from one that has hardly room for the first backup to one that has room for both. */
const LENGTHS = Array.from({ length: 9 }, (_, index) => 6 + index);

interface Length {
  pool: string;
  tapes: string[];
  blocks: number;
}

const lengths: Length[] = LENGTHS.map((blocks) => ({
  pool: `pool-${blocks}`,
  tapes: [1, 2, 3].map((number) => `P${blocks}T${number}`),
  blocks,
}));

/** A library with a pool for each length; a tape warns that many blocks before its end. */
async function librarySite(t: ExecutionContext, warningBlocks: number): Promise<Site> {
  const site = await Site.make(t, { tapes: [] });
  const { installation } = site;
  const directory = site.path('library');
  const slots = lengths.length * 3;
  const library = await EmulatedLibrary.create(directory, {
    ...{ drives: 1, slots, importExport: 0, cartridges: 0, cleaningCartridges: 0 },
  });
  await addChanger(installation, { name: 'lib', path: join(directory, 'changer') });
  await addDrive(installation, { type: 'lto', name: 'drive0', path: join(directory, 'drive0'), changer: 'lib' });
  let slot = 0;
  for (const { pool, tapes, blocks } of lengths) {
    await createPool(installation, { name: pool });
    for (const [index, labelText] of tapes.entries()) {
      const tapeBytes = (index === 0 ? blocks : 40) * BLOCK_BYTES;
      await library.createCartridge({ barcode: labelText, tapeBytes });
      await library.setEarlyWarning(labelText, warningBlocks * BLOCK_BYTES);
      await library.insert({ kind: 'slot', number: ++slot }, labelText);
      site.now++;
      await settled(loadMedia(installation, { ...DRIVE, labelText }, new RecordingObserver()));
      await settled(labelMedia(installation, { ...DRIVE, labelText, pool }, new RecordingObserver()));
    }
  }
  return site;
}

for (const warningBlocks of [1, 2]) {
  test(`a tape may end anywhere, ${warningBlocks} blocks behind its warning`, async (t) => {
    t.timeout(120_000);
    const site = await librarySite(t, warningBlocks);
    let passedOver = 0;
    await site.addSnapshot('vm/1', 1, ['a']);
    for (const { pool } of lengths) t.is((await site.backup({ ...DRIVE, pool })).outcome.error, undefined, pool);
    await site.addSnapshot('vm/1', 2, ['b', 'c']);
    for (const { pool, tapes, blocks } of lengths) {
      const { outcome, observer } = await site.backup({ ...DRIVE, pool });
      t.is(outcome.error, undefined, `${blocks} blocks`);
      const lines = observer.lines.join('\n');
      if (
        new RegExp(`continuing with tape '${tapes[0]}'(\n(?!wrote|end backup).*)*\ntape '${tapes[0]}' is full`).test(
          lines,
        )
      )
        passedOver++;
      const content = (await mediaContent(site.installation, {})).filter((entry) => entry.pool === pool);
      t.is(new Set(content.map(({ snapshot }) => snapshot)).size, 2, `${blocks} blocks`);
      const store = `target-${blocks}`;
      await site.addTarget(store);
      const mediaSet = content[0]?.['media-set-uuid'] ?? '';
      t.is((await site.restore({ ...DRIVE, mediaSet, store })).outcome.error, undefined, `${blocks} blocks`);
      t.is(await site.verified(store), 2, `${blocks} blocks`);
    }
    t.true(passedOver >= 1, 'the second job met a tape that took nothing more');
    t.log(`${passedOver} tapes passed over`);
  });
}
