/** The datastores of the fixtures, labelled and backed up again through the package, give PBS's tapes byte for byte. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createDatastore } from '../../ts/config/datastores.ts';
import { addDrive } from '../../ts/config/drives.ts';
import type { Installation } from '../../ts/config/installation.ts';
import { type BackupParameters, backup, createPool, labelMedia, loadMedia } from '../../ts/index.ts';
import { Environment } from '../../ts/native.ts';
import { withoutPadding } from '../catalog_padding.ts';
import { copyFixtureTo, type FixtureName, fixturePath, fixtureTest } from '../fixtures.ts';
import {
  chunkDigests,
  comparableBlocks,
  restoreAttributes,
  type TapeFile,
  tapeFiles,
  tapeLabels,
} from '../pbs_tapes.ts';
import { RecordingObserver, settled } from '../recording_observer.ts';
import { randomOf } from '../seeded_random.ts';
import { memoryDirectory, temporaryInstallation } from '../temporary_installation.ts';

interface Original {
  name: FixtureName;
  store: string;
  maxSize: number;
  /** Labels were made with `--pool pool1`. */
  hasLabelsWithPool: boolean;
  runs: Pick<BackupParameters, 'latestOnly'>[];
}

const ORIGINALS: Original[] = [
  { name: 'small', store: 'store1', maxSize: 5_242_880, hasLabelsWithPool: false, runs: [{}] },
  { name: 'append', store: 'store1', maxSize: 6_291_456, hasLabelsWithPool: false, runs: [{ latestOnly: true }, {}] },
  { name: 'incomplete', store: 'sparse', maxSize: 3_145_728, hasLabelsWithPool: true, runs: [{}] },
];

interface InventoryText {
  id: { label: { uuid: string; label_text: string; ctime: number }; media_set_label?: { uuid: string } };
}

function originalInventory(name: FixtureName): InventoryText[] {
  return JSON.parse(readFileSync(fixturePath(name, 'lib-tape', 'inventory.json'), 'utf8')) as InventoryText[];
}

/** Files of all tapes but their media labels, in the order in which they were written, one list for each job. */
function filesByJob(name: FixtureName): TapeFile[][] {
  const directory = fixturePath(name, 'tapes');
  const jobs: TapeFile[][] = [[]];
  for (const label of tapeLabels(directory)) {
    const [mediaLabel, ...files] = tapeFiles(directory, label);
    for (const file of files) {
      jobs.at(-1)?.push(file);
      // A job ends with the catalog of the tape that it ended on.
      if (file.kind === 'catalog archive' && file.header.uuid === mediaLabel?.header.uuid) jobs.push([]);
    }
  }
  return jobs.filter((files) => files.length > 0);
}

function scripted(files: readonly TapeFile[]): Environment {
  return Environment.scripted({
    contentUuids: files.map(({ uuid }) => uuid),
    times: files.map(({ ctime }) => ctime),
    chunkOrder: 'digest',
  });
}

/** An installation that takes its UUIDs and its time from the original: labels in order of their text, then the set. */
async function labelledInstallation(t: ExecutionContext, original: Original): Promise<Installation> {
  const tapes = originalInventory(original.name).sort((a, b) =>
    a.id.label.label_text < b.id.label.label_text ? -1 : 1,
  );
  const sets = new Set(tapes.flatMap(({ id }) => id.media_set_label?.uuid ?? []));
  const uuids = [...tapes.map(({ id }) => id.label.uuid), ...sets];
  const root = memoryDirectory(t);
  const installation = temporaryInstallation(t, {
    root,
    clock: () => tapes[0]?.id.label.ctime ?? 0,
    uuid: () => uuids.shift() ?? t.fail('more UUIDs asked for than PBS used'),
  });
  mkdirSync(join(root, 'tapes'));
  await addDrive(installation, {
    type: 'virtual',
    name: 'vdrive',
    path: join(root, 'tapes'),
    'max-size': original.maxSize,
  });
  await createPool(installation, { name: 'pool1', template: '%F set' });
  for (const { id } of tapes) await label(installation, original, id.label.label_text);
  return installation;
}

async function label(installation: Installation, original: Original, labelText: string): Promise<void> {
  const observer = new RecordingObserver();
  const file = fixturePath(original.name, 'tapes', `tape-${labelText}.json`);
  // Of tapes that were never loaded again the fixtures have only the inventory entry.
  const files = readdirSync(fixturePath(original.name, 'tapes')).includes(basename(file))
    ? tapeFiles(fixturePath(original.name, 'tapes'), labelText).slice(0, 1)
    : [];
  await settled(loadMedia(installation, { labelText }, observer));
  const pool = original.hasLabelsWithPool ? 'pool1' : undefined;
  await settled(labelMedia(installation, { labelText, pool, environment: scripted(files) }, observer));
}

async function copiedStore(installation: Installation, original: Original): Promise<string> {
  const path = join(installation.root, original.store);
  copyFixtureTo(path, original.name, original.store);
  await createDatastore(installation, { name: original.store, path }, async () => {});
  return path;
}

/** The name of the first tape file that differs. */
function firstDifference(name: FixtureName, directory: string): string | undefined {
  const originals = fixturePath(name, 'tapes');
  for (const label of tapeLabels(originals)) {
    const theirs = tapeFiles(originals, label);
    const ours = tapeFiles(directory, label);
    if (ours.length !== theirs.length) return `${label}: ${ours.length} files`;
    const different = theirs.findIndex(
      (file, number) => !comparableBlocks(file).equals(comparableBlocks(ours[number] as TapeFile)),
    );
    if (different >= 0) return `${label}: file ${different} (${theirs[different]?.kind})`;
  }
  return undefined;
}

function catalogs(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return Object.fromEntries(
    names.map((name) => [name, withoutPadding(readFileSync(join(folder, name))).toString('hex')]),
  );
}

const isRoot = process.geteuid?.() === 0;
if (!isRoot) process.stderr.write('SKIP root: snapshot files of the fixtures belong to other users\n');

for (const original of ORIGINALS) {
  const { name, store, runs } = original;
  (isRoot ? fixtureTest : test.skip)(`${name}: backup writes PBS's tapes byte for byte`, async (t) => {
    const installation = await labelledInstallation(t, original);
    const jobs = filesByJob(name);
    restoreAttributes(await copiedStore(installation, original), jobs.flat());
    t.is(jobs.length, runs.length);
    for (const [number, run] of runs.entries()) {
      const parameters = { store, pool: 'pool1', environment: scripted(jobs[number] ?? []), ...run };
      await settled(backup(installation, parameters, new RecordingObserver()));
    }
    const directory = join(installation.root, 'tapes');
    const { statusDir, inventoryFile } = installation.paths;
    t.is(firstDifference(name, directory), undefined);
    for (const json of readdirSync(fixturePath(name, 'tapes')).filter((file) => !file.startsWith('tapefile-'))) {
      t.is(readFileSync(join(directory, json), 'utf8'), readFileSync(fixturePath(name, 'tapes', json), 'utf8'), json);
    }
    t.deepEqual(catalogs(statusDir), catalogs(fixturePath(name, 'lib-tape')));
    t.is(readFileSync(inventoryFile, 'utf8'), readFileSync(fixturePath(name, 'lib-tape', 'inventory.json'), 'utf8'));
  });
}

/** For each snapshot in order its path and the chunks that were written for it, whatever archives and tapes they are on. */
function chunkGroups(directory: string): { snapshot: string; chunks: string[] }[] {
  const groups: { snapshot: string; chunks: string[] }[] = [];
  let chunks: string[] = [];
  for (const file of tapeLabels(directory).flatMap((label) => tapeFiles(directory, label))) {
    if (file.kind === 'chunk archive') chunks.push(...chunkDigests(file));
    if (file.kind !== 'snapshot archive' || file.isIncomplete) continue;
    groups.push({ snapshot: String(file.header.snapshot), chunks });
    chunks = [];
  }
  return groups;
}

/** Makes every chunk file anew, in random order: inode numbers then follow that order. Gives them by digest. */
function shuffleInodes(store: string, next: () => number): Map<string, number> {
  const chunks = join(store, '.chunks');
  const files = readdirSync(chunks).flatMap((folder) =>
    readdirSync(join(chunks, folder)).map((name) => join(folder, name)),
  );
  const shuffled = files.map((file) => ({ file, key: next() })).sort((a, b) => a.key - b.key);
  for (const { file } of shuffled) copyFileSync(join(chunks, file), join(chunks, `${file}.new`));
  for (const { file } of shuffled) renameSync(join(chunks, `${file}.new`), join(chunks, file));
  return new Map(files.map((file) => [basename(file), statSync(join(chunks, file)).ino]));
}

for (const original of ORIGINALS) {
  const { name, store, runs } = original;
  fixtureTest(
    `${name}: in order of inodes, as in production, the same chunks go with the same snapshots`,
    async (t) => {
      const seed = Number(process.env.FERRITE_SEED ?? Date.now() % 2 ** 31);
      t.log(`FERRITE_SEED=${seed}`);
      const installation = await labelledInstallation(t, original);
      const inodes = shuffleInodes(await copiedStore(installation, original), randomOf(t));
      for (const run of runs) {
        await settled(backup(installation, { store, pool: 'pool1', ...run }, new RecordingObserver()));
      }
      const ours = chunkGroups(join(installation.root, 'tapes'));
      const theirs = chunkGroups(fixturePath(name, 'tapes'));
      const sets = (groups: typeof ours) => groups.map((group) => ({ ...group, chunks: group.chunks.toSorted() }));
      t.deepEqual(sets(ours), sets(theirs));
      for (const { snapshot, chunks } of ours) {
        // Each index of a snapshot has its own order.
        const descents = chunks.filter((digest, at) => at > 0 && inode(inodes, digest) < inode(inodes, chunks[at - 1]));
        t.true(descents.length < indexCount(installation, store, snapshot), `${snapshot}: chunks in order of inodes`);
      }
    },
  );
}

function inode(inodes: ReadonlyMap<string, number>, digest: string | undefined): number {
  return inodes.get(digest ?? '') ?? Number.NaN;
}

function indexCount(installation: Installation, store: string, snapshot: string): number {
  return readdirSync(join(installation.root, store, snapshot)).filter((file) => /\.[fd]idx$/.test(file)).length;
}
