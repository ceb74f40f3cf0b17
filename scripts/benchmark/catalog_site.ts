/**
 * An archive of 40 tapes made up for measurements: media catalogs with random chunks, and a datastore whose snapshots have
 * lists of files, in PBS's formats. Everything that is measured reads these as it reads real ones.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ensureDirectory, openInstallation } from '../../ts/config/installation.ts';
import { createDatastore } from '../../ts/index.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';

export interface CatalogSize {
  tapes: number;
  chunks: number;
  files: number;
}

const STORE = 'tank';
const TAPES_PER_SET = 10;
const FILES_PER_SNAPSHOT = 2_500;
const FILES_PER_FOLDER = 25;
/** 2024-01-01 */
const START = 1_704_067_200;

const uuid = (number: number): string => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
const uuidBytes = (number: number): Buffer => Buffer.from(uuid(number).replaceAll('-', ''), 'hex');
const u64 = (number: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(number));
  return bytes;
};

/** tape-format.md 7.2 */
const record = {
  label: (file: number, id: Buffer, seqNr: number) => Buffer.concat([Buffer.from('L'), u64(file), id, u64(seqNr)]),
  start: (file: number, id: Buffer) =>
    Buffer.concat([
      Buffer.from('A'),
      u64(file),
      id,
      Buffer.from([STORE.length, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from(STORE),
    ]),
  end: (file: number, id: Buffer) => Buffer.concat([Buffer.from('E'), u64(file), id]),
  snapshot: (file: number, id: Buffer, path: string) =>
    Buffer.concat([
      Buffer.from('S'),
      u64(file),
      id,
      Buffer.from([STORE.length, 0, path.length & 0xff, path.length >> 8, 0, 0, 0, 0]),
      Buffer.from(`${STORE}:${path}`),
    ]),
};

function chunkRecords(count: number): Uint8Array {
  const bytes = randomFillSync(Buffer.alloc(count * 33));
  for (let at = 0; at < bytes.length; at += 33) bytes[at] = 0x43;
  return bytes;
}

const snapshotPath = (number: number): string =>
  `host/server${number % 20}/${new Date((START + Math.floor(number / 20) * 86_400) * 1000).toISOString().slice(0, 19)}Z`;

/** Makes the archive below `root`. */
export async function makeCatalogSite(root: string, { tapes, chunks, files }: CatalogSize): Promise<void> {
  const installation = openInstallation({ root, variables: {}, isSuperUser: false });
  await ensureDirectory(installation, installation.paths.statusDir);
  await createDatastore(installation, { name: STORE, path: join(root, STORE) });
  const snapshots = Math.ceil(files / FILES_PER_SNAPSHOT);
  for (let tape = 0; tape < tapes; tape++) {
    const own = Array.from({ length: snapshots }, (_, number) => number).filter((number) => number % tapes === tape);
    const set = Math.floor(tape / TAPES_PER_SET);
    const parts: Uint8Array[] = [
      Buffer.from('4c8ee8c120a88971', 'hex'),
      record.label(0, uuidBytes(tape + 1), 0),
      record.label(1, uuidBytes(1000 + set), tape % TAPES_PER_SET),
    ];
    let file = 2;
    for (const number of own) {
      const id = uuidBytes(100_000 * (tape + 1) + file);
      parts.push(record.start(file, id), chunkRecords(Math.round(chunks / tapes / own.length)), record.end(file, id));
      parts.push(record.snapshot(file + 1, uuidBytes(100_000 * (tape + 1) + file + 1), snapshotPath(number)));
      file += 2;
    }
    writeFileSync(installation.paths.catalogFile(uuid(tape + 1)), Buffer.concat(parts));
  }
  await new InventoryFile(installation).update((inventory) =>
    Array.from({ length: tapes }, (_, tape) => tape).reduce((all, tape) => {
      const label = { labelText: `BEN${String(tape).padStart(3, '0')}L8`, uuid: uuid(tape + 1), ctime: START };
      const set = Math.floor(tape / TAPES_PER_SET);
      const mediaSetLabel = { pool: 'bench', uuid: uuid(1000 + set), seqNr: tape % TAPES_PER_SET, ctime: START + set };
      return all.withTape({ label, mediaSetLabel }).withStatus(label.uuid, 'full');
    }, inventory),
  );
  for (let number = 0; number < snapshots; number++) writeSnapshot(join(root, STORE), number);
}

function blob(content: Buffer): Buffer {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(content));
  return Buffer.concat([Buffer.from('42ab3807be8370a1', 'hex'), checksum, content]);
}

/** A snapshot with nothing but its list of files: all that is read of it. */
function writeSnapshot(store: string, number: number): void {
  const list = fileList(number);
  const digest = createHash('sha256').update(list).digest();
  const entry = Buffer.concat([u64(list.length), digest]);
  const csum = createHash('sha256').update(entry).digest();
  const header = Buffer.concat([Buffer.from('1c914ea519bab3cd', 'hex'), uuidBytes(number), u64(START), csum]);
  const index = Buffer.concat([header, Buffer.alloc(4096 - header.length), entry]);
  const path = snapshotPath(number);
  const [, backupId = '', time = ''] = path.split('/');
  const manifest = {
    'backup-type': 'host',
    'backup-id': backupId,
    'backup-time': Date.parse(time) / 1000,
    files: [{ filename: 'catalog.pcat1.didx', 'crypt-mode': 'none', size: list.length, csum: csum.toString('hex') }],
  };
  const folder = join(store, path);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'catalog.pcat1.didx'), index);
  writeFileSync(join(folder, 'index.json.blob'), blob(Buffer.from(JSON.stringify(manifest))));
  const chunk = join(store, '.chunks', digest.toString('hex').slice(0, 4), digest.toString('hex'));
  mkdirSync(dirname(chunk), { recursive: true });
  writeFileSync(chunk, blob(list));
}

const WORDS = ['report', 'invoice', 'photo', 'backup', 'config', 'minutes', 'contract', 'drawing', 'budget', 'letter'];
const ENDINGS = ['pdf', 'jpg', 'conf', 'txt', 'odt', 'tar.gz'];

/** datastore.md 11. No two files have the same name. */
function fileList(snapshot: number): Buffer {
  const parts: Buffer[] = [Buffer.from('91fd60f9c46758d5', 'hex')];
  let length = 8;
  const table = (entries: readonly Buffer[]): number => {
    const body = Buffer.concat([varint(entries.length), ...entries]);
    const at = length;
    for (const part of [varint(body.length), body]) {
      parts.push(part);
      length += part.length;
    }
    return at;
  };
  const folders: { name: string; at: number }[] = [];
  for (let first = 0; first < FILES_PER_SNAPSHOT; first += FILES_PER_FOLDER) {
    const entries = Array.from({ length: FILES_PER_FOLDER }, (_, at) => {
      const number = snapshot * FILES_PER_SNAPSHOT + first + at;
      const name = Buffer.from(`${WORDS[number % 10]}-${number.toString(36)}.${ENDINGS[number % 6]}`);
      return Buffer.concat([Buffer.from('f'), varint(name.length), name, varint(number * 37), varint(START + number)]);
    });
    folders.push({ name: `folder-${snapshot}-${first}`, at: table(entries) });
  }
  const directory = (name: string, from: number, at: number): Buffer =>
    Buffer.concat([Buffer.from('d'), varint(name.length), Buffer.from(name), varint(from - at)]);
  const top = length;
  const archive = table(folders.map(({ name, at }) => directory(name, top, at)));
  const root = length;
  table([directory('root.pxar.didx', root, archive)]);
  parts.push(u64(root));
  return Buffer.concat(parts);
}

function varint(number: number): Buffer {
  const bytes: number[] = [];
  for (let rest = number; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}
