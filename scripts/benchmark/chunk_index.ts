/**
 * The index of a large media set: how fast it is, and what memory a backup against it takes. The set is made by an example
 * of the tape crate; the backup goes through the package like any other.
 */
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FerriteError } from '../../ts/errors.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import type { TapeLabels } from '../../ts/native.ts';
import { JOB } from './cases.ts';
import type { Job, JobValue } from './job.ts';
import { measureProgram, run, type Sample } from './measure.ts';
import { insertTape, POOL, prepareRun, type Run, removeRun, type Stores } from './site.ts';
import { type StoreFiles, warm } from './store_files.ts';

const PROGRAM = resolve(import.meta.dirname, '../../../target/release/examples/chunk_index');
/** Tapes of the set that the program makes. */
const TAPES = 40;

export interface IndexFigures {
  chunks: number;
  bytesPerChunk: number;
  buildSeconds: number;
  openSeconds: number;
  /** One thread, random order, half of the chunks not there. */
  lookupsPerSecond: number;
  /** A backup of the whole source to another tape of this set. */
  backup: Sample;
}

export async function measureChunkIndex(
  folder: string,
  stores: Stores,
  source: StoreFiles,
  chunks: number,
): Promise<IndexFigures> {
  const site = await prepareRun(folder, { source: stores.source });
  const { statusDir } = site.installation.paths;
  const { output } = await run(PROGRAM, [String(chunks / 1e6), statusDir, 'keep']);
  rmSync(join(statusDir, 'set.index'));
  await enterSet(site);

  warm(source.chunks.map((path) => join(source.folder, path)));
  const job: Job = { kind: 'backup', root: site.root, verify: 'crc' };
  const { sample, value } = await measureProgram(process.execPath, [JOB, JSON.stringify(job)]);
  const told = value as JobValue;
  if (told.mediaSet !== SET_UUID) {
    throw new FerriteError('system', 'internal', `the backup went to media set ${told.mediaSet}, not to the large one`);
  }
  removeRun(folder);
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const lookups = [...output.matchAll(/^lookups, round \d+ +([\d.]+) M\/s/gm)].map((match) => Number(match[1]));
  return {
    chunks: number(/^chunks +(\d+)/m),
    bytesPerChunk: number(/^size +([\d.]+) bytes/m),
    buildSeconds: number(/^build +([\d.]+) s/m),
    openSeconds: number(/^open .* ([\d.]+) s/m),
    lookupsPerSecond: (lookups.sort((a, b) => a - b)[Math.floor(lookups.length / 2)] ?? Number.NaN) * 1e6,
    backup: { ...sample, peakAnonymousBytes: Math.max(sample.peakAnonymousBytes, told.anonymousBytes) },
  };
}

/** As the program numbers them. */
const uuid = (number: number): string => `00000000-0000-0000-0000-${number.toString(16).padStart(12, '0')}`;
const SET_UUID = uuid(99);

/** Enters the tapes of the set as full, and puts an empty one in the place of the last: a set goes on only where that is. */
async function enterSet({ installation }: Run): Promise<void> {
  const labels = Array.from({ length: TAPES }, (_, seqNr): TapeLabels => {
    const labelText = `TAPE${String(seqNr).padStart(2, '0')}`;
    return {
      label: { labelText, uuid: uuid(seqNr + 1), ctime: 0 },
      mediaSetLabel: { pool: POOL, uuid: SET_UUID, seqNr, ctime: 0 },
    };
  });
  await new InventoryFile(installation).update((inventory) =>
    labels.reduce((all, tape) => all.withTape(tape).withStatus(tape.label.uuid, 'full'), inventory),
  );
  const last = labels.at(-1)?.label.labelText ?? '';
  await insertTape(installation, last);
  await insertTape(installation, 'BENCH');
}
