/** Catalogs made up for tests and measurements: pools, sets, tapes, snapshots and directory trees of any size. */
import { createHash } from 'node:crypto';
import { CatalogConnection } from '../../ts/catalog/connection.ts';
import { sqlEngine } from '../../ts/catalog/engine.ts';
import { exportDatabase } from '../../ts/catalog/export.ts';
import { type FilePage, FileRows } from '../../ts/catalog/file_rows.ts';

/** A tree: names to sizes of files, or to further trees. */
export interface Tree {
  [name: string]: number | Tree;
}

const uuid = (name: string): string => {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** The columns of a tree, children before parents, as the core gives them. */
export function pageOf(tree: Tree, mtime = 1_717_000_000): FilePage {
  const [digests, counts, names, sizes, mtimes, children]: [
    Buffer[],
    number[],
    string[],
    number[],
    number[],
    number[],
  ] = [[], [], [], [], [], []];
  let kinds = '';
  const add = (node: Tree): number => {
    const entries = Object.entries(node).map(([name, value]) => ({
      name,
      size: typeof value === 'number' ? value : 0,
      child: typeof value === 'number' ? undefined : add(value),
    }));
    const hash = createHash('sha256');
    for (const { name, size, child } of entries) {
      hash.update(`${name}\0${size}\0`).update(child === undefined ? '' : (digests[child] as Buffer));
      kinds += child === undefined ? 'f' : 'd';
      names.push(name);
      sizes.push(size);
      mtimes.push(child === undefined ? mtime : 0);
      children.push(child ?? 0);
    }
    digests.push(hash.digest().subarray(0, 16));
    counts.push(entries.length);
    return digests.length - 1;
  };
  add(tree);
  return {
    digests: Buffer.concat(digests),
    entryCounts: Uint32Array.from(counts),
    names: names.map((name) => `${name}\0`).join(''),
    kinds,
    sizes: Float64Array.from(sizes),
    mtimes: Float64Array.from(mtimes),
    children: Uint32Array.from(children),
  };
}

export interface SampleSnapshot {
  store: string;
  /** As on tape. */
  path: string;
  tree: Tree | 'encrypted' | 'absent' | 'unknown';
}

export interface SampleTape {
  labelText: string;
  location?: string;
  slot?: number;
  status?: string;
  bytesUsed?: number;
  snapshots: SampleSnapshot[];
  chunks?: number;
}

export interface SampleSet {
  pool: string;
  name: string;
  ctime: number;
  keyFingerprint?: string;
  keyHint?: string;
  tapes: SampleTape[];
}

/** The database as a file's bytes. */
export async function sampleCatalog(sets: readonly SampleSet[]): Promise<Uint8Array> {
  const connection = CatalogConnection.create(await sqlEngine());
  connection.transaction(() => {
    for (const set of sets) addSet(connection, set);
  });
  const { bytes } = exportDatabase(connection, {}, 1_720_000_000);
  connection.close();
  return bytes;
}

function addSet(connection: CatalogConnection, set: SampleSet): void {
  const setUuid = uuid(`set ${set.name}`);
  connection.insertRows('media_set', [[setUuid, set.name]]);
  const { keyFingerprint: fingerprint } = set;
  if (fingerprint !== undefined) connection.insertRows('encryption_key', [[fingerprint, set.keyHint ?? null]]);
  for (const [seqNr, tape] of set.tapes.entries()) {
    const media = uuid(`tape ${tape.labelText}`);
    const { labelText, location = 'offline', status = 'full', bytesUsed = null, slot = null } = tape;
    const ctime = set.ctime + seqNr * 86_400;
    connection.insertRows('media', [
      [
        media,
        labelText,
        ctime,
        set.pool,
        setUuid,
        seqNr,
        ctime,
        location,
        status,
        bytesUsed,
        fingerprint ?? null,
        slot,
        0,
        null,
      ],
    ]);
    let file = 2;
    for (const snapshot of tape.snapshots) {
      const archive = file++;
      const chunks = tape.chunks ?? 400;
      connection.insertRows('archive', [[media, archive, uuid(`${media} ${archive}`), snapshot.store, chunks]]);
      addSnapshot(connection, snapshot, media, file++);
      addShares(connection, snapshot, setUuid, media, archive, chunks);
    }
  }
}

function addSnapshot(
  connection: CatalogConnection,
  { store, path, tree }: SampleSnapshot,
  media: string,
  file: number,
): void {
  const parts = path.split('/');
  const [type = '', id = '', time = ''] = parts.slice(-3);
  const namespace = parts
    .slice(0, -3)
    .filter((_, at) => at % 2 === 1)
    .join('/');
  connection.insertRows('snapshot', [
    [media, file, uuid(`${media} ${file}`), store, path, namespace, type, id, Date.parse(time) / 1000],
  ]);
  if (tree === 'unknown') return;
  const listing = connection.rows('SELECT id FROM listing WHERE store = :store AND path = :path', {
    ':store': store,
    ':path': path,
  });
  if (listing.length > 0) return;
  const rows = new FileRows(connection);
  const listed = typeof tree === 'object';
  if (listed) rows.add(pageOf(tree));
  connection.run('INSERT INTO listing (store, path, state, root) VALUES (?, ?, ?, ?)', [
    store,
    path,
    listed ? 'listed' : tree,
    rows.root ?? null,
  ]);
  rows.free();
  const id2 = Number(connection.rows('SELECT last_insert_rowid() AS id')[0]?.id);
  const mode = tree === 'encrypted' ? 'encrypt' : 'none';
  const files: [string, number][] = listed
    ? [
        ['catalog.pcat1.didx', 40_000],
        ['root.pxar.didx', 3_400_000_000],
      ]
    : [
        ['drive-scsi0.img.fidx', 34_359_738_368],
        ['qemu-server.conf.blob', 480],
      ];
  connection.insertRows(
    'snapshot_file',
    files.map(([name, size], at) => [id2, at, name, size, mode]),
  );
}

function addShares(
  connection: CatalogConnection,
  { store, path, tree }: SampleSnapshot,
  set: string,
  media: string,
  archive: number,
  chunks: number,
): void {
  if (tree === 'unknown') return;
  const [row] = connection.rows('SELECT id FROM listing WHERE store = :store AND path = :path', {
    ':store': store,
    ':path': path,
  });
  connection.insertRows('share', [[Number(row?.id), set, media, chunks, chunks * 3_000_000, String(archive)]]);
}

const ETC: Tree = {
  fstab: 420,
  hostname: 9,
  passwd: 2_140,
  nginx: { 'nginx.conf': 1_480, 'sites-enabled': { 'shop.conf': 2_100, 'www.conf': 1_900 } },
  ssh: { sshd_config: 3_300, 'ssh_host_ed25519_key.pub': 96 },
};

/** Names that somebody could put on a tape to do harm. */
export const HOSTILE: Tree = {
  '<img src=x onerror=alert(1)>.jpg': 10,
  '<script>alert(1)</script>': 11,
  'invoice\u202Egpj.exe': 12,
  'line\nbreak\tand\u001b[31mcolour': 13,
  'zero\u200bwidth': 14,
  "'; DROP TABLE entry; --": 15,
  '%_*?"\'`\\': 16,
  [`${'long'.repeat(1024)}.txt`]: 17,
  'مرحبا.txt': 18,
  '日本語の名前.txt': 19,
};

const isoDay = (day: number, hour = 1): string =>
  `${new Date(Date.UTC(2024, 4, 1 + day, hour)).toISOString().slice(0, 19)}Z`;

/** Two pools, three sets, nine tapes: what a small company may have. */
export function companySets(): SampleSet[] {
  const web = (day: number): SampleSnapshot => ({
    store: 'tank',
    path: `host/www/${isoDay(day)}`,
    tree: {
      'root.pxar.didx': {
        etc: day < 20 ? ETC : { ...ETC, motd: 120 },
        home: {
          anna: {
            invoices: Object.fromEntries(
              Array.from({ length: 12 }, (_, n) => [`invoice-2024-${String(n + 1).padStart(2, '0')}.pdf`, 83_000 + n]),
            ),
            'thesis.odt': 1_400_000 + day,
          },
        },
        srv: { upload: HOSTILE, log: { 'access.log': 700_000 * (day + 1) } },
        usr: {
          share: {
            doc: Object.fromEntries(
              Array.from({ length: 40 }, (_, n) => [
                `package-${n}`,
                { copyright: 1_000 + n, 'changelog.gz': 4_000 + n },
              ]),
            ),
          },
        },
      },
    },
  });
  const vm = (day: number): SampleSnapshot => ({ store: 'tank', path: `vm/100/${isoDay(day, 3)}`, tree: 'absent' });
  const box = (day: number): SampleSnapshot => ({
    store: 'vault',
    path: `ns/office/ct/204/${isoDay(day, 4)}`,
    tree: day % 2 ? 'encrypted' : 'unknown',
  });
  const tape = (labelText: string, from: number, days: number, rest: Partial<SampleTape>): SampleTape => ({
    labelText,
    snapshots: Array.from({ length: days }, (_, n) => [
      web(from + n),
      vm(from + n),
      ...(n % 3 === 0 ? [box(from + n)] : []),
    ]).flat(),
    ...rest,
  });
  return [
    {
      pool: 'daily',
      name: 'daily 2024-05',
      ctime: 1_714_525_200,
      tapes: [
        tape('DAY001L8', 0, 9, { location: 'online-lib1', slot: 3, bytesUsed: 11.8e12 }),
        tape('DAY002L8', 9, 9, { location: 'online-lib1', slot: 4, bytesUsed: 11.7e12 }),
        tape('DAY003L8', 18, 8, { location: 'online-lib1', slot: 7, bytesUsed: 9.1e12 }),
      ],
    },
    {
      pool: 'daily',
      name: 'daily 2024-06',
      ctime: 1_717_203_600,
      tapes: [tape('DAY004L8', 31, 6, { location: 'online-lib1', slot: 9, bytesUsed: 4.2e12, status: 'writable' })],
    },
    {
      pool: 'offsite',
      name: 'offsite 2024-Q2',
      ctime: 1_714_600_000,
      keyFingerprint: '0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b',
      keyHint: 'the blue notebook',
      tapes: [
        tape('OFF001L7', 5, 4, { location: 'vault-bank', bytesUsed: 5.9e12 }),
        tape('OFF002L7', 15, 4, { location: 'vault-bank', bytesUsed: 3.3e12 }),
        tape('OFF003L7', 24, 2, { location: 'offline', bytesUsed: 2.2e12, status: 'writable' }),
      ],
    },
  ];
}
