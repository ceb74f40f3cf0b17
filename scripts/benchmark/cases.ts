/** What is measured, and in which order: groups of runs that take turns, so that each meets the machine's moods alike. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FerriteError } from '../../ts/errors.ts';
import type { Part } from './arguments.ts';
import type { Job, JobValue } from './job.ts';
import { measureProgram, measureShell, type Sample } from './measure.ts';
import { prepareRun, type Run, removeRun, type Stores, tapeFiles } from './site.ts';
import { compareStores, cool, emptyStore, type StoreFiles, warm } from './store_files.ts';

/** Where tapes and restored chunks lie. The source is on disk, and read from the page cache unless the case says cold. */
export type Place = 'disk' | 'tmpfs';

export type Case =
  | 'limit'
  | 'backup-crc'
  | 'backup-sha256'
  | 'restore'
  | 'restore-again'
  | 'scan'
  | 'feed-crc'
  | 'feed-sha256'
  | 'cold-sequential'
  | 'cold-feed'
  | 'cold-backup';

export interface Ground {
  place: Place;
  /** For tapes and configuration; removed after each run. */
  folder: string;
  stores: Required<Stores>;
  source: StoreFiles;
  /** File with the paths of the source's chunks, for xargs. */
  list: string;
}

/** Told of each run. */
export type Record = (name: Case, sample: Sample) => void;

type Group = (ground: Ground, record: Record) => Promise<void>;

export const JOB = resolve(import.meta.dirname, 'job.js');
const FEED = resolve(import.meta.dirname, '../../../target/release/examples/feed');

const GROUPS: Readonly<{ [part in Exclude<Part, 'index' | 'drive'>]: readonly Group[] }> = {
  disk: [limit, thereAndBack, checkedBackup],
  tmpfs: [limit, thereAndBack, checkedBackup],
  feed: [feed],
  cold: [coldSource],
};

/** One run of each case. Each cycle begins with another group. */
export async function cycle(
  parts: readonly Exclude<Part, 'index' | 'drive'>[],
  ground: Ground,
  number: number,
  record: Record,
) {
  const groups = parts.flatMap((part) => GROUPS[part]);
  for (let turn = 0; turn < groups.length; turn++) await groups[(number + turn) % groups.length]?.(ground, record);
}

/** What the machine can do at best: all chunk files into one file. */
async function limit({ folder, list, source }: Ground, record: Record): Promise<void> {
  const output = join(folder, 'all-chunks');
  warmSource(source);
  record('limit', await measureShell('xargs -0 -a "$1" cat >"$2"; sync "$2"', list, output));
  removeRun(output);
}

async function thereAndBack(ground: Ground, record: Record): Promise<void> {
  const { folder, stores, source } = ground;
  const run = await prepareRun(join(folder, 'run'), stores);
  warmSource(source);
  const written = await job(record, 'backup-crc', { kind: 'backup', root: run.root, verify: 'crc' });
  requireAll('backup', written, source);

  warm(tapeFiles(run));
  const restore = { kind: 'restore', root: run.root, mediaSet: written.mediaSet } as const;
  requireAll('restore', await job(record, 'restore', restore), source);
  compareStores(source, stores.target);
  warm(tapeFiles(run));
  await job(record, 'restore-again', restore);

  const catalogs = readCatalogs(run);
  warm(tapeFiles(run));
  await job(record, 'scan', { kind: 'scan', root: run.root });
  if (readCatalogs(run) !== catalogs) {
    throw new FerriteError('data', 'scan-differs', 'the catalog that the scan made differs from the one of the backup');
  }
  emptyStore(source, stores.target);
  removeRun(join(folder, 'run'));
}

async function checkedBackup({ folder, stores, source }: Ground, record: Record): Promise<void> {
  const run = await prepareRun(join(folder, 'run'), { source: stores.source });
  warmSource(source);
  requireAll(
    'backup',
    await job(record, 'backup-sha256', { kind: 'backup', root: run.root, verify: 'sha256' }),
    source,
  );
  removeRun(join(folder, 'run'));
}

/** Into a drive that takes everything. */
async function feed({ source }: Ground, record: Record): Promise<void> {
  for (const check of ['crc', 'sha256'] as const) {
    warmSource(source);
    const { sample } = await measureProgram(FEED, ['--store', source.folder, `null-${check}`]);
    record(`feed-${check}`, sample);
  }
}

async function coldSource({ folder, stores, source, list }: Ground, record: Record): Promise<void> {
  await cool(list);
  record('cold-sequential', await measureShell('xargs -0 -a "$1" cat >/dev/null', list));
  await cool(list);
  const { sample } = await measureProgram(FEED, ['--store', source.folder, 'null-crc']);
  record('cold-feed', sample);
  const run = await prepareRun(join(folder, 'run'), { source: stores.source });
  await cool(list);
  await job(record, 'cold-backup', { kind: 'backup', root: run.root, verify: 'crc' });
  removeRun(join(folder, 'run'));
}

async function job(record: Record, name: Case, work: Job): Promise<JobValue> {
  const { sample, value } = await measureProgram(process.execPath, [JOB, JSON.stringify(work)]);
  const told = value as JobValue;
  record(name, { ...sample, peakAnonymousBytes: Math.max(sample.peakAnonymousBytes, told.anonymousBytes) });
  return told;
}

function warmSource({ folder, chunks }: StoreFiles): void {
  warm(chunks.map((path) => join(folder, path)));
}

function requireAll(what: string, { chunks }: JobValue, source: StoreFiles): void {
  if (chunks === source.chunks.length) return;
  throw new FerriteError('data', 'chunks-missing', `${what}: ${chunks} chunks instead of ${source.chunks.length}`);
}

function readCatalogs({ installation }: Run): string {
  const folder = installation.paths.statusDir;
  const catalogs = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return catalogs.map((name) => readFileSync(join(folder, name), 'latin1')).join('');
}
