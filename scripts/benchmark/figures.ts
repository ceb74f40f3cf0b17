/** From samples to figures, and from figures to targets. */
import type { Case, Place } from './cases.ts';
import type { IndexFigures } from './chunk_index.ts';
import type { DriveFigures } from './drive_path.ts';
import type { Sample } from './measure.ts';

export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** What all runs of a case came to. GB are 10^9 bytes of chunk files. */
export interface Figure {
  place: Place;
  name: Case;
  runs: number;
  gigabytesPerSecond: Spread;
  cpuSecondsPerGigabyte: Spread;
  peakAnonymousBytes: number;
  /** Median share of the machine that others used. */
  othersShare: number;
}

export interface Target {
  what: string;
  /** `0.8 of the limit` */
  wanted: string;
  reached: string;
  isReached: boolean;
}

export class Samples {
  readonly #samples: Map<string, { place: Place; name: Case; samples: Sample[] }> = new Map();

  add(place: Place, name: Case, sample: Sample): void {
    const key = `${place}/${name}`;
    const entry = this.#samples.get(key) ?? { place, name, samples: [] };
    entry.samples.push(sample);
    this.#samples.set(key, entry);
  }

  figures(bytes: number): Figure[] {
    const gigabytes = bytes / 1e9;
    return [...this.#samples.values()].map(({ place, name, samples }) => ({
      place,
      name,
      runs: samples.length,
      gigabytesPerSecond: spread(samples.map(({ wallSeconds }) => gigabytes / wallSeconds)),
      cpuSecondsPerGigabyte: spread(samples.map(({ cpuSeconds }) => cpuSeconds / gigabytes)),
      peakAnonymousBytes: Math.max(...samples.map(({ peakAnonymousBytes }) => peakAnonymousBytes)),
      othersShare: spread(samples.map(({ othersShare }) => othersShare)).median,
    }));
  }
}

function spread(values: number[]): Spread {
  const sorted = values.sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  return { median, least: at(0), most: at(sorted.length - 1) };
}

const MIB = 2 ** 20;
/** What a run takes for chunk data unless told otherwise. */
const ORDINARY_MEMORY_BYTES = 256 * MIB;

/** The targets whose figures were measured. */
export function judge(
  figures: readonly Figure[],
  index: IndexFigures | undefined,
  drive?: DriveFigures | undefined,
): Target[] {
  const find = (name: Case): Figure | undefined =>
    figures.find((figure) => figure.place === 'disk' && figure.name === name);
  const targets: (Target | undefined)[] = [
    ratio('backup, CRC', find('backup-crc'), 0.8, find('limit'), 'of the limit'),
    cpu('backup, CRC', find('backup-crc'), 0.5),
    cpu('backup, SHA-256', find('backup-sha256'), 1.4),
    rate('feed of a null drive, CRC', find('feed-crc'), 4),
    rate('feed of a null drive, SHA-256', find('feed-sha256'), 1.5),
    ratio('cold source', find('cold-feed'), 1.7, find('cold-sequential'), 'x one file after the other'),
    ratio('restore', find('restore'), 0.5, find('limit'), 'of the limit'),
    cpu('restore', find('restore'), 1.6),
    rate('second restore', find('restore-again'), 5),
    ...(['backup-crc', 'backup-sha256', 'restore'] as const).map((name) =>
      memory(`${name}, peak anonymous memory`, find(name)?.peakAnonymousBytes, ORDINARY_MEMORY_BYTES),
    ),
    ...(index ? judgeIndex(index) : []),
    ...(drive ? judgeDrive(drive) : []),
  ];
  return targets.filter((target) => target !== undefined);
}

function judgeIndex(index: IndexFigures): Target[] {
  const { bytesPerChunk, lookupsPerSecond, openSeconds } = index;
  const chunks = `index of ${index.chunks / 1e6} M chunks`;
  return [
    {
      what: `${chunks}, size`,
      wanted: '<= 40 bytes a chunk',
      reached: bytesPerChunk.toFixed(1),
      isReached: bytesPerChunk <= 40,
    },
    {
      what: `${chunks}, lookups on one thread`,
      wanted: '>= 3 M/s',
      reached: (lookupsPerSecond / 1e6).toFixed(1),
      isReached: lookupsPerSecond >= 3e6,
    },
    {
      what: `${chunks}, opened by mapping`,
      wanted: '<= 1 s',
      reached: openSeconds.toFixed(3),
      isReached: openSeconds <= 1,
    },
    memory(`backup against it, peak anonymous memory`, index.backup.peakAnonymousBytes, 400 * MIB),
  ].filter((target) => target !== undefined);
}

function judgeDrive(drive: DriveFigures): Target[] {
  const { writeGigabytesPerSecond, microsPerCommand, libraryMicrosPerCommand } = drive;
  const micros = (what: string, reached: number): Target => ({
    what,
    wanted: '< 20 us',
    reached: reached.toFixed(2),
    isReached: reached < 20,
  });
  return [
    {
      what: 'drive and emulated LTO-8 tape in memory, write',
      wanted: '>= 4 GB/s',
      reached: writeGigabytesPerSecond.toFixed(2),
      isReached: writeGigabytesPerSecond >= 4,
    },
    micros('a command besides its transfer', microsPerCommand),
    micros('a command to a library that processes share', libraryMicrosPerCommand),
  ];
}

function ratio(what: string, of: Figure | undefined, wanted: number, to: Figure | undefined, unit: string) {
  if (!of || !to) return undefined;
  const reached = of.gigabytesPerSecond.median / to.gigabytesPerSecond.median;
  return { what, wanted: `>= ${wanted} ${unit}`, reached: reached.toFixed(2), isReached: reached >= wanted };
}

function rate(what: string, figure: Figure | undefined, wanted: number): Target | undefined {
  if (!figure) return undefined;
  const reached = figure.gigabytesPerSecond.median;
  return { what, wanted: `>= ${wanted} GB/s`, reached: reached.toFixed(2), isReached: reached >= wanted };
}

function cpu(what: string, figure: Figure | undefined, wanted: number): Target | undefined {
  if (!figure) return undefined;
  const reached = figure.cpuSecondsPerGigabyte.median;
  return { what, wanted: `<= ${wanted} CPU s per GB`, reached: reached.toFixed(2), isReached: reached <= wanted };
}

function memory(what: string, bytes: number | undefined, wanted: number): Target | undefined {
  if (bytes === undefined) return undefined;
  return {
    what,
    wanted: `< ${wanted / MIB} MiB`,
    reached: (bytes / MIB).toFixed(0),
    isReached: bytes < wanted,
  };
}
