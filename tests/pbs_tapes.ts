/**
 * Tape files of virtual drives taken apart by tape-format.md alone, sharing no line with the code that is tested: what
 * PBS wrote is replayed from them, and compared with what Ferrite writes.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withoutPadding } from './catalog_padding.ts';

const BLOCK = 262_144;
const BLOCK_HEADER = 16;
const CONTENT_HEADER = 48;

/** Kinds of tape files by their content magic (tape-format.md 0). */
const KINDS: Record<string, string> = {
  '2a05bf3cb030aa39': 'media label',
  '086063f92f9753d8': 'media-set label',
  '6d31636dd70283bf': 'chunk archive',
  da1615d011e29a62: 'snapshot archive',
  '6210369bba10331d': 'snapshot archive',
  b7cfc7259e991e73: 'catalog archive',
  b3ec71f0adec0260: 'catalog archive',
};

export interface TapeFile {
  blocks: Buffer;
  /** The blocks less their headers and the filling of the last one. */
  content: Buffer;
  /** Its last block says so; a file that only lacks its end has no such block. */
  isIncomplete: boolean;
  kind: string;
  uuid: string;
  /** Epoch seconds. */
  ctime: number;
  header: Record<string, unknown>;
  /** Content behind the header. */
  body: Buffer;
}

function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function parseTapeFile(blocks: Buffer): TapeFile {
  const payloads: Buffer[] = [];
  let flags = 0;
  for (let at = 0; at < blocks.length; at += BLOCK) {
    flags = blocks.readUInt8(at + 8);
    payloads.push(blocks.subarray(at + BLOCK_HEADER, at + BLOCK_HEADER + blocks.readUIntLE(at + 9, 3)));
  }
  const content = Buffer.concat(payloads);
  const bodyAt = CONTENT_HEADER + content.readUInt32LE(40);
  return {
    blocks,
    content,
    isIncomplete: (flags & 2) !== 0,
    kind: KINDS[content.toString('hex', 8, 16)] ?? 'unknown',
    uuid: uuidText(content.subarray(16, 32)),
    ctime: Number(content.readBigInt64LE(32)),
    header: JSON.parse(content.toString('utf8', CONTENT_HEADER, bodyAt)) as Record<string, unknown>,
    body: content.subarray(bodyAt),
  };
}

/** The files of the tape with this label in the directory of a virtual drive. */
export function tapeFiles(directory: string, label: string): TapeFile[] {
  const { files } = JSON.parse(readFileSync(join(directory, `tape-${label}.json`), 'utf8')) as { files: number };
  return Array.from({ length: files }, (_, number) =>
    parseTapeFile(readFileSync(join(directory, `tapefile-${number}-${label}.json`))),
  );
}

/** Labels of the tapes in the directory of a virtual drive, sorted. */
export function tapeLabels(directory: string): string[] {
  return readdirSync(directory)
    .flatMap((name) => /^tape-(.+)\.json$/.exec(name)?.[1] ?? [])
    .sort();
}

/** The blocks of a file as they can be compared: padding in the catalog that it holds, and nothing else, is zero. */
export function comparableBlocks(file: TapeFile): Buffer {
  if (file.kind !== 'catalog archive') return file.blocks;
  const content = Buffer.concat([
    file.content.subarray(0, file.content.length - file.body.length),
    withoutPadding(file.body),
  ]);
  const blocks = Buffer.from(file.blocks);
  const payload = BLOCK - BLOCK_HEADER;
  for (let at = 0; at < content.length; at += payload) {
    content.copy(blocks, (at / payload) * BLOCK + BLOCK_HEADER, at, at + payload);
  }
  return blocks;
}

/** Digests of the whole chunks in a chunk archive, in order. */
export function chunkDigests({ body }: TapeFile): string[] {
  const digests: string[] = [];
  for (let at = 0; at + 48 <= body.length; ) {
    const end = at + 48 + Number(body.readBigUInt64LE(at + 40));
    if (end <= body.length) digests.push(body.toString('hex', at + 8, at + 40));
    at = end;
  }
  return digests;
}

interface ArchivedFile {
  name: string;
  mode: number;
  uid: number;
  gid: number;
  /** `<seconds>.<nanoseconds>` since the epoch. */
  mtime: string;
}

const FILENAME = 0x16701121063917b3n;
const ENTRY = 0xd5956474e588acefn;

/** The files inside a snapshot archive with what it says about them (tape-format.md 6.2). */
function archivedFiles({ body }: TapeFile): ArchivedFile[] {
  const files: ArchivedFile[] = [];
  let name: string | undefined;
  for (let at = 0; at + 16 <= body.length; at += Number(body.readBigUInt64LE(at + 8))) {
    const type = body.readBigUInt64LE(at);
    const data = body.subarray(at + 16, at + Number(body.readBigUInt64LE(at + 8)));
    if (type === FILENAME) name = data.toString('utf8', 0, data.length - 1);
    if (type !== ENTRY || name === undefined) continue;
    const nanoseconds = String(data.readUInt32LE(32)).padStart(9, '0');
    files.push({
      name,
      mode: Number(data.readBigUInt64LE(0)) & 0o7777,
      uid: data.readUInt32LE(16),
      gid: data.readUInt32LE(20),
      mtime: `${data.readBigInt64LE(24)}.${nanoseconds}`,
    });
  }
  return files;
}

/** Gives the files of a datastore the owners, modes and times that the snapshot archives say they had. */
export function restoreAttributes(store: string, archives: readonly TapeFile[]): void {
  for (const archive of archives) {
    if (archive.kind !== 'snapshot archive' || archive.isIncomplete) continue;
    for (const file of archivedFiles(archive)) {
      const path = join(store, String(archive.header.snapshot), file.name);
      chownSync(path, file.uid, file.gid);
      chmodSync(path, file.mode);
      // Node sets times as floating point numbers, which have no nanoseconds.
      execFileSync('touch', ['--no-create', `--date=@${file.mtime}`, path]);
    }
  }
}
