/** What scripts/bench concludes from what it measured. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { benchArguments } from '../../scripts/benchmark/arguments.ts';
import { driveFigures } from '../../scripts/benchmark/drive_path.ts';
import { judge, Samples } from '../../scripts/benchmark/figures.ts';
import { CHUNK_BYTES, ImageContent } from '../../scripts/benchmark/image.ts';
import { measureProgram, measureShell } from '../../scripts/benchmark/measure.ts';
import { compareStores, emptyStore, readStoreFiles } from '../../scripts/benchmark/store_files.ts';
import { temporaryDirectory } from '../temporary_installation.ts';

const DIGEST = 'ab'.repeat(32);

/** A datastore with one chunk and one snapshot. */
function store(t: ExecutionContext, chunk: string): string {
  const folder = temporaryDirectory(t);
  const snapshot = join(folder, 'vm/100/2024-01-01T00:00:00Z');
  mkdirSync(join(folder, '.chunks/abab'), { recursive: true });
  mkdirSync(snapshot, { recursive: true });
  writeFileSync(join(folder, '.chunks/abab', DIGEST), chunk);
  writeFileSync(join(snapshot, 'drive.img.fidx'), 'index');
  return folder;
}

test('a restored chunk that differs or is missing is an error', (t) => {
  const source = readStoreFiles(store(t, 'chunk'));
  t.is(source.chunkBytes, 5);
  t.is(compareStores(source, store(t, 'chunk')), 2);
  t.throws(() => compareStores(source, store(t, 'chunK')), { message: /abab.* differs from/ });
  const emptied = store(t, 'chunk');
  emptyStore(source, emptied);
  t.throws(() => compareStores(source, emptied), { message: /is missing from/ });
});

test('content is the same for the same seed, and has the shares that were asked for', (t) => {
  const folder = temporaryDirectory(t);
  const write = (name: string, seed: string, duplicateShare: number, first: number, end: number): Buffer => {
    new ImageContent({ seed, duplicateShare, compressibleShare: 0 }).writeImage(join(folder, name), first, end);
    return readFileSync(join(folder, name));
  };
  const both = write('a', 'seed', 0, 0, 2);
  t.is(both.length, 2 * CHUNK_BYTES);
  t.false(both.subarray(0, CHUNK_BYTES).equals(both.subarray(CHUNK_BYTES)));
  t.true(write('b', 'seed', 0, 1, 2).equals(both.subarray(CHUNK_BYTES)));
  t.false(write('c', 'another', 0, 1, 2).equals(both.subarray(CHUNK_BYTES)));
  const repeated = write('d', 'seed', 0.99, 0, 4);
  t.true(repeated.subarray(0, CHUNK_BYTES).equals(repeated.subarray(3 * CHUNK_BYTES)));
});

test('figures are medians, and targets are judged by them', (t) => {
  const samples = new Samples();
  const sample = { cpuSeconds: 0.4, peakAnonymousBytes: 1 << 20, othersShare: 0 };
  for (const wallSeconds of [2, 1, 50]) samples.add('disk', 'limit', { ...sample, wallSeconds });
  for (const wallSeconds of [2.4, 2.6, 2.5]) samples.add('disk', 'backup-crc', { ...sample, wallSeconds });
  const figures = samples.figures(1e9);
  t.like(figures[0], { runs: 3, gigabytesPerSecond: { median: 0.5, least: 0.02, most: 1 } });
  const targets = judge(figures, undefined);
  t.like(
    targets.find(({ wanted }) => wanted.includes('of the limit')),
    { reached: '0.80', isReached: true },
  );
  t.true(targets.every(({ isReached }) => isReached));
  samples.add('disk', 'limit', { ...sample, wallSeconds: 1 });
  t.is(judge(samples.figures(1e9), undefined).filter(({ isReached }) => !isReached).length, 1);
});

test('the best runs of the way to a drive are judged', (t) => {
  const output = [
    'cartridge in memory, first write         0.74 GB/s   1.44 s  0.389 CPU s per GB   352.40 us per block',
    'cartridge in memory, write               2.32 GB/s   0.46 s  0.035 CPU s per GB   113.02 us per block',
    'cartridge in memory, read                1.97 GB/s   0.54 s  0.032 CPU s per GB   132.84 us per block',
    'cartridge in memory, READ POSITION        0.10 us per command',
    'library, write                           1.57 GB/s   0.68 s  0.155 CPU s per GB   167.19 us per block',
    'library, READ POSITION                   26.44 us per command',
    'cartridge in memory, write              10.66 GB/s   0.10 s  0.038 CPU s per GB    24.60 us per block',
  ].join('\n');
  const figures = driveFigures(output);
  t.is(figures.writeGigabytesPerSecond, 10.66);
  t.deepEqual(
    judge([], undefined, figures).map(({ isReached }) => isReached),
    [true, true, false],
  );
});

test('programs and lines of shell are measured, and their failures seen', async (t) => {
  const shell = await measureShell('sleep 0.05; echo "$1"', 'word');
  t.true(shell.wallSeconds >= 0.05 && shell.cpuSeconds < 0.05);
  await t.throwsAsync(measureShell('false'), { message: /ended with status/ });
  const program = 'console.log(JSON.stringify({ wallSeconds: 1, cpuSeconds: 2, value: 3 })); setTimeout(() => {}, 100)';
  const { sample, value } = await measureProgram(process.execPath, ['-e', program]);
  t.is(value, 3);
  t.like(sample, { wallSeconds: 1, cpuSeconds: 2 });
  t.true(sample.peakAnonymousBytes > 1 << 20);
});

test('arguments', (t) => {
  t.like(benchArguments([]), { imageBytes: 4 * 2 ** 30, runs: 5, warmUps: 1, duplicateShare: 0.1 });
  t.is(benchArguments(['--size', '768M']).imageBytes, 768 << 20);
  t.deepEqual([...benchArguments(['--only', 'cold,index']).parts], ['cold', 'index']);
  t.is(benchArguments(['--only', 'drive']).imageBytes, 64 << 20, 'it needs no data');
  t.false(benchArguments(['--quick']).parts.has('tmpfs'));
  for (const wrong of [
    ['--size', '1X'],
    ['--size', '3M'],
    ['--dup', '1'],
    ['--runs', '0'],
    ['--only', 'disk,cloud'],
  ]) {
    t.throws(() => benchArguments(wrong), { message: /see the head of scripts\/bench/ });
  }
});
