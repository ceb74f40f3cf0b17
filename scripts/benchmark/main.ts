/** `scripts/bench`: see there for its arguments. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FerriteError, toFerriteError } from '../../ts/errors.ts';
import { type BenchArguments, benchArguments } from './arguments.ts';
import { cycle, type Ground, JOB, type Place } from './cases.ts';
import { type IndexFigures, measureChunkIndex } from './chunk_index.ts';
import { type DriveFigures, measureDrivePath } from './drive_path.ts';
import { judge, Samples } from './figures.ts';
import { availableMemoryBytes, describeMachine, freeBytes, type Machine } from './machine.ts';
import { measureProgram, run } from './measure.ts';
import { importImages, makeStore, SOURCE, type Stores, TARGET } from './site.ts';
import { readStoreFiles, type StoreFiles, writeList } from './store_files.ts';
import { figureTable, machineText, targetTable } from './table.ts';

/** The 65,536 folders of a datastore take this much on common file systems. */
const STORE_FOLDERS = 300 << 20;
const MISSED_TARGET = 2;
/** What the targets are meant for. */
const TARGET_BYTES = 4 * 2 ** 30;

interface Bench {
  args: BenchArguments;
  /** On disk: data, tapes, configuration. */
  folder: string;
  source: StoreFiles;
  list: string;
  /** Processor time that a process takes before it does anything. */
  startCpuSeconds: number;
  samples: Samples;
  notes: string[];
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<void> {
  const args = benchArguments(process.argv.slice(2));
  const created: string[] = [];
  try {
    const folder = makeFolder(args.directory, created);
    const machine = describeMachine({ disk: args.directory, tmpfs: args.memoryDirectory });
    say(machineText(machine));
    const bench = await prepare(args, folder);
    await measurePlaces(bench, created);
    const index = await measureIndex(bench);
    const drive = await measureDrive(bench);
    report(bench, machine, index, drive);
  } finally {
    if (!args.keep) for (const folder of created) rmSync(folder, { recursive: true, force: true });
  }
}

function makeFolder(parent: string, created: string[]): string {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'ferrite-bench-'));
  created.push(folder);
  return folder;
}

async function prepare(args: BenchArguments, folder: string): Promise<Bench> {
  // An image at a time, source, tape or all chunks in one file, restored chunks, and the folders of two datastores.
  const needed = 3.5 * args.imageBytes + 2 * STORE_FOLDERS;
  if (freeBytes(folder) < needed) {
    const message = `${folder} lacks the room: ${Math.ceil(needed / 2 ** 20)} MiB are needed; use --size or --dir`;
    throw new FerriteError('system', 'disk-full', message);
  }
  say(`\nmaking a datastore of ${(args.imageBytes / 2 ** 30).toFixed(2)} GiB of images in ${folder}`);
  const path = join(folder, SOURCE);
  const installation = await makeStore(join(folder, 'root'), SOURCE, path);
  await importImages(installation, args, args.imageBytes, folder);
  await run('sync', ['-f', folder]);
  const source = readStoreFiles(path);
  const list = join(folder, 'chunks.list');
  writeList(
    list,
    source.chunks.map((chunk) => join(path, chunk)),
  );
  const gigabytes = source.chunkBytes / 1e9;
  say(`${source.chunks.length} chunks, ${gigabytes.toFixed(3)} GB: all GB below are of these files`);
  const start = await measureProgram(process.execPath, [JOB, JSON.stringify({ kind: 'start', root: folder })]);
  const { cpuSeconds } = start.sample;
  say(
    `starting Node with the package takes ${cpuSeconds.toFixed(2)} CPU s: ${(cpuSeconds / gigabytes).toFixed(2)} CPU s per GB ` +
      'in each backup, restore and scan below',
  );
  return { args, folder, source, list, startCpuSeconds: cpuSeconds, samples: new Samples(), notes: [] };
}

async function measurePlaces(bench: Bench, created: string[]): Promise<void> {
  const { args } = bench;
  const onDisk = (['disk', 'feed', 'cold'] as const).filter((part) => args.parts.has(part));
  if (onDisk.length > 0) await measurePlace(bench, 'disk', onDisk, bench.folder);
  if (!args.parts.has('tmpfs')) return;
  // The tape, the restored chunks, and the source in the page cache.
  const needed = 3 * bench.source.chunkBytes + STORE_FOLDERS;
  if (availableMemoryBytes() < 1.3 * needed || freeBytes(args.memoryDirectory) < needed) {
    bench.notes.push(`tmpfs was left out: ${Math.ceil((1.3 * needed) / 2 ** 20)} MiB of memory are needed`);
    return;
  }
  await measurePlace(bench, 'tmpfs', ['tmpfs'], makeFolder(args.memoryDirectory, created));
}

async function measurePlace(bench: Bench, place: Place, parts: Parameters<typeof cycle>[0], folder: string) {
  const { args, source, list, samples } = bench;
  const stores: Required<Stores> = { source: source.folder, target: join(folder, TARGET) };
  if (parts.some((part) => part === 'disk' || part === 'tmpfs')) {
    await makeStore(join(folder, 'target-root'), TARGET, stores.target);
  }
  const ground: Ground = { place, folder, stores, source, list };
  for (let number = -args.warmUps; number < args.runs; number++) {
    say(`\n${place}, ${number < 0 ? 'warming up' : `run ${number + 1} of ${args.runs}`}`);
    await cycle(parts, ground, number + args.warmUps, (name, sample) => {
      const speed = (source.chunkBytes / 1e9 / sample.wallSeconds).toFixed(2);
      const cpu = (sample.cpuSeconds / (source.chunkBytes / 1e9)).toFixed(2);
      const others = (100 * sample.othersShare).toFixed(0);
      say(`  ${name.padEnd(16)} ${speed.padStart(6)} GB/s  ${cpu.padStart(5)} CPU s/GB  others ${others} %`);
      if (number >= 0) samples.add(place, name, sample);
    });
  }
}

async function measureIndex(bench: Bench): Promise<IndexFigures | undefined> {
  const { args, folder, source } = bench;
  if (!args.parts.has('index')) return undefined;
  say(`\nchunk index of ${args.indexChunks} chunks, and a backup against it`);
  return measureChunkIndex(join(folder, 'index'), { source: source.folder }, source, args.indexChunks);
}

async function measureDrive(bench: Bench): Promise<DriveFigures | undefined> {
  const { args } = bench;
  if (!args.parts.has('drive')) return undefined;
  say('\nthe way to a drive, into memory');
  return measureDrivePath(args.memoryDirectory);
}

function report(
  bench: Bench,
  machine: Machine,
  index: IndexFigures | undefined,
  drive: DriveFigures | undefined,
): void {
  const { args, source, samples, notes, startCpuSeconds } = bench;
  const figures = samples.figures(source.chunkBytes);
  if (args.imageBytes < TARGET_BYTES && figures.length > 0) {
    notes.push(
      'the targets are for 4 GiB of data: with less, starting and ending a job weighs more than they allow for',
    );
  }
  const targets = judge(figures, index, drive);
  if (figures.length > 0) say(`\n${figureTable(figures)}`);
  say('');
  if (args.parts.has('disk') || args.parts.has('tmpfs')) {
    say('every restored chunk and snapshot file was compared with its source after each restore: all equal\n');
  }
  say(targetTable(targets));
  for (const note of notes) say(`note: ${note}`);
  const data = {
    ...args,
    parts: [...args.parts],
    chunks: source.chunks.length,
    chunkBytes: source.chunkBytes,
    startCpuSeconds,
  };
  mkdirSync('artefacts', { recursive: true });
  writeFileSync(
    'artefacts/bench.json',
    `${JSON.stringify({ machine, data, figures, index, drive, targets, notes }, null, 1)}\n`,
  );
  const missed = targets.filter(({ isReached }) => !isReached).length;
  say(`\n${targets.length - missed} of ${targets.length} targets reached; all figures are in artefacts/bench.json`);
  if (missed > 0 && args.strict) process.exitCode = MISSED_TARGET;
}

try {
  await main();
} catch (thrown) {
  const error = toFerriteError(thrown);
  process.stderr.write(`\nError: ${error.message}\n`);
  if (error.code === 'internal' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`);
  process.exitCode = 1;
}
