/** What `scripts/bench` was asked for; its head explains the options. */
import { parseArgs } from 'node:util';
import { FerriteError } from '../../ts/errors.ts';

export const PARTS = ['disk', 'tmpfs', 'feed', 'cold', 'index', 'drive'] as const;
export type Part = (typeof PARTS)[number];

export interface BenchArguments {
  parts: ReadonlySet<Part>;
  /** Of all images together. */
  imageBytes: number;
  duplicateShare: number;
  compressibleShare: number;
  runs: number;
  /** Runs before the measured ones, whose figures are dropped. */
  warmUps: number;
  directory: string;
  memoryDirectory: string;
  indexChunks: number;
  seed: string;
  strict: boolean;
  keep: boolean;
}

const USAGE = 'see the head of scripts/bench';

export function benchArguments(argv: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      size: { type: 'string' },
      dup: { type: 'string', default: '0.1' },
      compressible: { type: 'string', default: '0.5' },
      runs: { type: 'string' },
      dir: { type: 'string', default: '/var/tmp' },
      'memory-dir': { type: 'string', default: '/dev/shm' },
      chunks: { type: 'string' },
      seed: { type: 'string', default: 'ferrite' },
      strict: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const { quick } = values;
  const parts = parseParts(values.only ?? (quick ? 'disk,feed,cold,index,drive' : PARTS.join(',')));
  return {
    parts,
    imageBytes: parseSize(values.size ?? defaultSize(parts, quick)),
    duplicateShare: parseShare('dup', values.dup),
    compressibleShare: parseShare('compressible', values.compressible),
    runs: parseCount('runs', values.runs ?? (quick ? '2' : '5')),
    warmUps: quick ? 0 : 1,
    directory: values.dir,
    memoryDirectory: values['memory-dir'],
    indexChunks: parseCount('chunks', values.chunks ?? (quick ? '1000000' : '10000000')),
    seed: values.seed,
    strict: values.strict,
    keep: values.keep,
  };
}

/** The way to a drive is measured without any data. */
function defaultSize(parts: ReadonlySet<Part>, quick: boolean): string {
  if (parts.size === 1 && parts.has('drive')) return '64M';
  return quick ? '512M' : '4G';
}

function refuse(message: string): never {
  throw new FerriteError('usage', 'bad-parameter', `${message}; ${USAGE}`);
}

function parseParts(text: string): Set<Part> {
  const parts = new Set<Part>();
  for (const name of text.split(',')) {
    parts.add(PARTS.find((part) => part === name) ?? refuse(`'${name}' is none of ${PARTS.join(', ')}`));
  }
  return parts;
}

/** `512M`, `4G`, or bytes; powers of two. */
function parseSize(text: string): number {
  const match = /^(\d+)([KMGT]?)(?:iB|B)?$/i.exec(text);
  const unit = match?.[2] === '' ? 0 : 'KMGT'.indexOf(match?.[2]?.toUpperCase() ?? '-') + 1;
  const bytes = Number(match?.[1]) * 1024 ** unit;
  return bytes >= 64 * 2 ** 20 ? bytes : refuse(`--size ${text} is no size of at least 64M`);
}

function parseShare(name: string, text: string): number {
  const share = Number(text);
  return share >= 0 && share < 1 ? share : refuse(`--${name} ${text} is no share from 0 to less than 1`);
}

function parseCount(name: string, text: string): number {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : refuse(`--${name} ${text} is no number from 1 on`);
}
