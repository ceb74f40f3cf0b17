/** `scripts/demo`: the main job from end to end on virtual tapes. See scripts/demo for its arguments. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BackupSummary,
  backup,
  createDatastore,
  createDrive,
  createPool,
  type Installation,
  importSnapshot,
  labelMedia,
  listMedia,
  listSnapshots,
  loadMedia,
  mediaContent,
  openInstallation,
  removeDatastore,
  restore,
  toFerriteError,
  verifySnapshots,
} from '../../ts/index.ts';
import { storeStats } from '../../ts/jobs/datastore/snapshots.ts';
import { demoArguments } from './arguments.ts';
import { type ComparedFile, compareSnapshot, type SourceSnapshot } from './compare.ts';
import { type DemoFigures, printClosingTable } from './figures.ts';
import { changeImage, makeImage, writeConfig } from './image.ts';
import { Narrator } from './narrator.ts';
import { digestFile, digestFolder, listFiles, requireRoom, type SourceFile } from './source_files.ts';

const MIB = 1 << 20;
const CHUNK_BYTES = 4 * MIB;
/** A tape must take the largest chunk (16 MiB) and what stands around it. */
const SMALLEST_TAPE = 24 * MIB;
/** The 65,536 folders of a datastore take this much on common file systems. */
const STORE_FOLDERS = 300 * MIB;
const STORE = 'demo';
const RESTORED = 'restored';
const POOL = 'demo-pool';
const DRIVE = 'demo-drive';

interface Stage {
  installation: Installation;
  narrator: Narrator;
  source: string;
  work: string;
  image: string;
  imageChunks: number;
  config: string;
}

async function main(): Promise<void> {
  const { source, work } = demoArguments(process.argv.slice(2), process.env.FERRITE_DEMO_FROM ?? '.', new Date());
  const narrator = new Narrator();
  const stage = await prepare(source, work, narrator);
  await createStore(stage);
  const first = await makeSnapshot(stage, 1024);
  const maxSize = await configureTapes(stage);

  narrator.step('Back the datastore up, over as many tapes as it takes', `backup ${STORE} ${POOL}`);
  const firstBackup = await runBackup(stage);
  narrator.step(
    'Change the image and the config file, back up again: only new chunks are written',
    `backup ${STORE} ${POOL}`,
  );
  await changeImage(stage.image, stage.imageChunks);
  const second = await makeSnapshot(stage, 2048);
  const secondBackup = await runBackup(stage);
  const stored = await storeStats(stage.installation, { store: STORE });
  const labels = await showTapes(stage);

  await loseStore(stage);
  narrator.step(
    'Restore it from the tapes',
    `datastore create ${RESTORED} ${join(work, RESTORED)}`,
    `restore ${firstBackup.mediaSetUuid} ${STORE}=${RESTORED}`,
  );
  await createDatastore(stage.installation, { name: RESTORED, path: join(work, RESTORED) });
  const restored = await narrator.task((observer) =>
    restore(stage.installation, { mediaSet: firstBackup.mediaSetUuid, store: `${STORE}=${RESTORED}` }, observer),
  );

  narrator.step('Verify every chunk, and compare every file with its original', `snapshot verify ${RESTORED}`);
  const verified = await verifySnapshots(stage.installation, { store: RESTORED }, narrator);
  const places = new Map(restored.restored.map(({ snapshot, labelText }) => [snapshot, labelText]));
  const request = {
    installation: stage.installation,
    store: RESTORED,
    sourceStore: STORE,
    mediaSet: firstBackup.mediaSetUuid,
    labels,
    scratch: work,
  };
  const files: ComparedFile[] = [];
  for (const snapshot of [first, second]) {
    files.push(
      ...(await compareSnapshot(request, { ...snapshot, tape: places.get(snapshot.snapshot) ?? '' }, narrator)),
    );
  }
  const tapes = new Set([...firstBackup.media, ...secondBackup.media].map(({ labelText }) => labelText));
  const figures: DemoFigures = {
    sourceBytes: files.reduce((sum, file) => sum + file.size, 0),
    files: files.length,
    filesEqual: files.filter((file) => file.sha256AtSource === file.sha256AfterRestore).length,
    storedBytes: stored.chunkBytes,
    describedBytes: stored.indexBytes,
    chunks: stored.chunks,
    chunksVerified: verified.chunks,
    verifyErrors: verified.errors.length,
    backups: [firstBackup, secondBackup].map(({ chunks, chunkBytes, tapeBytes, seconds }) => ({
      chunks,
      chunkBytes,
      tapeBytes,
      seconds,
    })),
    restore: { bytesRead: restored.bytesRead, bytesRestored: restored.bytesRestored, seconds: restored.seconds },
    tapes: [...tapes],
    tapeBytes: maxSize,
    places: {
      root: stage.installation.root,
      tapes: join(work, 'tapes'),
      catalogs: stage.installation.paths.statusDir,
      config: stage.installation.paths.configDir,
      lostStore: join(work, `${STORE}.lost`),
      restoredStore: join(work, RESTORED),
    },
    mediaSet: firstBackup.mediaSetUuid,
  };
  const report = join(work, 'demo.json');
  await writeFile(report, `${JSON.stringify({ source, figures, files }, null, 1)}\n`);
  printClosingTable(figures, report);
  if (figures.filesEqual !== figures.files || figures.verifyErrors > 0) process.exitCode = 1;
}

async function prepare(source: string, work: string, narrator: Narrator): Promise<Stage> {
  await mkdir(work, { recursive: true });
  const total = (await listFiles(source)).reduce((sum, file) => sum + file.size, 0);
  const imageChunks = Math.round(Math.min(256, Math.max(64, total / MIB / 4)) / 4);
  // Source image; then store, tapes and restored store, each as large as all new data; and folders.
  const data = total + imageChunks * CHUNK_BYTES;
  await requireRoom(work, 3 * imageChunks * CHUNK_BYTES + 3.5 * data + 2 * STORE_FOLDERS);
  narrator.say(`Everything goes to ${work}; ${source} (${(total / MIB).toFixed(0)} MiB) is only read.`);
  const installation = openInstallation({ root: join(work, 'root'), variables: process.env });
  const image = join(work, 'disk.img');
  await makeImage(image, imageChunks);
  return { installation, narrator, source, work, image, imageChunks, config: join(work, 'demo.conf') };
}

async function createStore({ installation, narrator, work }: Stage): Promise<void> {
  const path = join(work, STORE);
  narrator.step('Make a datastore', `datastore create ${STORE} ${path}`);
  await createDatastore(installation, { name: STORE, path });
}

/** Imports the folder, the image and the config file as they are now. */
async function makeSnapshot(stage: Stage, memory: number): Promise<Omit<SourceSnapshot, 'tape'>> {
  const { installation, narrator, source, image, config } = stage;
  await writeConfig(config, memory);
  const archives = [`root.pxar:${source}`, `disk.img:${image}`, `demo.conf:${config}`];
  narrator.say(`$ npx proxmox-tape snapshot import ${STORE} host/demo ${archives.join(' ')}`);
  const tree = await digestFolder(source);
  const describe = async (path: string): Promise<SourceFile> => ({
    path,
    size: (await listFiles(stage.work)).find((file) => join(stage.work, file.path) === path)?.size ?? 0,
    sha256: await digestFile(path),
  });
  const report = await importSnapshot(installation, { store: STORE, group: 'host/demo', archives }, narrator);
  narrator.say(`${report.snapshot}: ${report.files} entries, ${report.chunks} chunks, ${report.newChunks} of them new`);
  return {
    snapshot: report.snapshot,
    tree,
    image: await describe(image),
    config: { ...(await describe(config)), path: 'demo.conf' },
  };
}

/** A drive with small tapes, so that between 3 and 20 are needed, a pool, and labels. */
async function configureTapes({ installation, narrator, work }: Stage): Promise<number> {
  const { chunkBytes } = await storeStats(installation, { store: STORE });
  const maxSize = Math.max(SMALLEST_TAPE, Math.ceil(chunkBytes / 6));
  const count = Math.min(20, Math.ceil(chunkBytes / (maxSize - 16 * MIB)) + 3);
  const path = join(work, 'tapes');
  narrator.step(
    `Configure a virtual drive with tapes of ${(maxSize / MIB).toFixed(0)} MiB and a pool, and label ${count} tapes`,
    `drive create ${DRIVE} --type virtual --path ${path} --max-size ${maxSize}`,
    `pool create ${POOL}`,
    'load-media DEMO01',
    `label --label-text DEMO01 --pool ${POOL}`,
  );
  await createDrive(installation, { type: 'virtual', name: DRIVE, path, 'max-size': maxSize });
  await createPool(installation, { name: POOL });
  const quiet = { started() {}, line() {}, progress() {}, signal: narrator.signal };
  for (let number = 1; number <= count; number++) {
    const labelText = `DEMO${String(number).padStart(2, '0')}`;
    await narrator.task(() => loadMedia(installation, { labelText }, quiet));
    await narrator.task(() => labelMedia(installation, { labelText, pool: POOL }, quiet));
  }
  return maxSize;
}

function runBackup({ installation, narrator }: Stage): Promise<BackupSummary> {
  return narrator.task((observer) => backup(installation, { store: STORE, pool: POOL }, observer));
}

/** Lists tapes and content; labels by media UUID. */
async function showTapes({ installation, narrator }: Stage): Promise<Map<string, string>> {
  narrator.step('See which tapes there are, and what is on them', 'media list', 'media content');
  const media = await listMedia(installation, {});
  for (const tape of media) {
    narrator.say(`${tape['label-text']}  ${tape.status.padEnd(8)}  ${tape.location}  ${tape['media-set-name'] ?? ''}`);
  }
  for (const { 'label-text': label, store, snapshot } of await mediaContent(installation, {})) {
    narrator.say(`${label}  ${store}:${snapshot}`);
  }
  return new Map(media.map((tape) => [tape.uuid, tape['label-text']]));
}

async function loseStore({ installation, narrator, work }: Stage): Promise<void> {
  narrator.step('Lose the datastore', `snapshot list ${STORE}`);
  await rename(join(work, STORE), join(work, `${STORE}.lost`));
  try {
    await listSnapshots(installation, { store: STORE });
    throw new Error('the datastore is still there');
  } catch (error) {
    narrator.say(`Error: ${toFerriteError(error).message}`);
  }
  await removeDatastore(installation, STORE);
}

try {
  await main();
} catch (thrown) {
  const error = toFerriteError(thrown);
  process.stderr.write(`\nError: ${error.message}\n`);
  if (error.code === 'internal' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`);
  process.exitCode = 1;
}
