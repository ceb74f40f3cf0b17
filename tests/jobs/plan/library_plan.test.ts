/** A plan, its run, and what becomes of the tapes, on drives and a robot that speak SCSI. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createDatastore as configureDatastore } from '../../../ts/config/datastores.ts';
import {
  backup,
  createPool,
  importSnapshot,
  labelMedia,
  loadMedia,
  planBackup,
  planRestore,
  restore,
} from '../../../ts/index.ts';
import { Emulated } from '../../library/emulated.ts';
import { RecordingObserver, settled } from '../../recording_observer.ts';
import { chunkDigest, content, FIRST_BACKUP } from '../site.ts';

const CHUNK_BYTES = 300_000;
const REQUEST = { store: 'store1', pool: 'pool1', drive: 'drive0' };

/** Two labelled tapes of pool1 in slots, and datastore store1. */
async function makeSite(t: ExecutionContext): Promise<Emulated> {
  const emulated = await Emulated.make(t, { drives: 1, slots: 4, importExport: 2 });
  const { installation } = emulated;
  await createPool(installation, { name: 'pool1' });
  await configureDatastore(installation, { name: 'store1', path: join(installation.root, 'store1') }, async (path) => {
    mkdirSync(join(path, '.chunks'), { recursive: true });
    writeFileSync(join(path, '.lock'), '');
  });
  for (const [index, labelText] of ['A00001L8', 'A00002L8'].entries()) {
    await emulated.insert(index + 1, labelText);
    await settled(loadMedia(installation, { labelText, drive: 'drive0' }, new RecordingObserver()));
    await settled(labelMedia(installation, { labelText, pool: 'pool1', drive: 'drive0' }, new RecordingObserver()));
  }
  return emulated;
}

async function addSnapshot({ installation }: Emulated, day: number, chunks: readonly string[]): Promise<void> {
  const archives = chunks.map((name, number) => {
    mkdirSync(join(installation.root, 'store1/.chunks', chunkDigest(name).slice(0, 4)), { recursive: true });
    writeFileSync(join(installation.root, name), content(name, CHUNK_BYTES));
    return `disk${number}.img:${join(installation.root, name)}`;
  });
  const request = { store: 'store1', group: 'vm/1', time: FIRST_BACKUP + day * 86_400, archives };
  await importSnapshot(installation, request, new RecordingObserver());
}

test('the plan of a real drive: the tapes and bytes of the run, first and continued', async (t) => {
  const emulated = await makeSite(t);
  for (const day of [1, 2]) {
    await addSnapshot(emulated, day, [`a${day}`, `b${day}`, 'same']);
    const planned = await planBackup(emulated.installation, REQUEST, new RecordingObserver());
    const summary = await settled(backup(emulated.installation, REQUEST, new RecordingObserver()));
    t.deepEqual(
      planned.tapes,
      summary.media.map(({ labelText, seqNr, source, tapeBytes }) => ({ labelText, seqNr, source, tapeBytes })),
    );
    t.deepEqual([planned.snapshots, planned.chunkBytes], [summary.written, summary.chunkBytes]);
    t.is(planned.tapes[0]?.source, day === 1 ? 'empty' : 'current');
  }
});

test('the plan of a restore asks the library where its tapes are, and the restore says the same', async (t) => {
  const emulated = await makeSite(t);
  const { installation } = emulated;
  await addSnapshot(emulated, 1, ['a']);
  const { mediaSetUuid } = await settled(backup(installation, REQUEST, new RecordingObserver()));
  const request = { mediaSet: mediaSetUuid, store: 'store1', drive: 'drive0' };
  const [online] = (await planRestore(installation, request, new RecordingObserver())).tapes;
  t.like(online, { labelText: 'A00001L8', location: 'online-lib', atHand: true });
  await emulated.library.remove({ kind: 'drive', number: 0 });
  const [offline] = (await planRestore(installation, request, new RecordingObserver())).tapes;
  t.like(offline, { labelText: 'A00001L8', location: 'offline', atHand: false });
  const { error } = await restore(installation, request, new RecordingObserver());
  t.regex(error?.message ?? '', /^tape 'A00001L8' is not in the library: bring it there/);
});

test('S-186 through the robot: with export and eject the tape goes to a mail slot; S-182: also when nothing was written', async (t) => {
  const emulated = await makeSite(t);
  await addSnapshot(emulated, 1, ['a']);
  const request = { ...REQUEST, ejectMedia: true, exportMediaSet: true };
  await settled(backup(emulated.installation, request, new RecordingObserver()));
  t.deepEqual(await emulated.places(), ['slot 2: A00002L8', 'slot 5: A00001L8']);
  // Brought back, nothing new to write: the set is exported all the same.
  await emulated.robot((changer) => changer.transfer(5, 1));
  const observer = new RecordingObserver();
  await settled(backup(emulated.installation, request, observer));
  t.true(observer.lines.includes('nothing to write: no new snapshots'));
  t.deepEqual(await emulated.places(), ['slot 2: A00002L8', 'slot 5: A00001L8']);
});
