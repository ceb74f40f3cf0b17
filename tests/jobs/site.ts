/**
 * A place to run jobs in: an installation with virtual drives, pools and datastores, all real but for the clock. Datastores
 * have only the folders that their chunks need; to make all 65,536 takes longer than the job that is tested.
 */
import { spawnSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createDatastore as configureDatastore } from '../../ts/config/datastores.ts';
import { addDrive } from '../../ts/config/drives.ts';
import { acquireNativeLock } from '../../ts/config/file_lock.ts';
import type { Installation, InstallationOptions } from '../../ts/config/installation.ts';
import type { PoolConfig } from '../../ts/config/pool_sections.ts';
import {
  type BackupParameters,
  type BackupSummary,
  backup,
  createPool,
  importSnapshot,
  labelMedia,
  loadMedia,
  type RestoreParameters,
  type RestoreSummary,
  restore,
  verifySnapshots,
} from '../../ts/index.ts';
import type { TaskOutcome } from '../../ts/log.ts';
import type { Inventory } from '../../ts/media/inventory.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import { RecordingObserver, settled } from '../recording_observer.ts';
import { memoryDirectory, temporaryInstallation } from '../temporary_installation.ts';

/** Bytes that do not compress, the same for the same name. */
export function content(name: string, length: number): Buffer {
  const key = createHash('sha256').update(name).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** A bit more than a block of the tape. */
const CHUNK_BYTES = 300_000;

/** Whether somebody holds a lock now; answers before anything else can happen in this process. */
export function isLocked(path: string): boolean {
  return spawnSync('flock', ['--nonblock', path, 'true']).status === 1;
}

/** Digest of the chunk that `addSnapshot` makes of a name. */
export function chunkDigest(name: string, length = CHUNK_BYTES): string {
  return createHash('sha256').update(content(name, length)).digest('hex');
}
/** 2024-06-05T09:33:20Z */
export const FIRST_BACKUP = 1_717_580_000;

export interface SiteOptions {
  installation?: Partial<InstallationOptions>;
  pool?: Omit<PoolConfig, 'name'>;
  /** Of each tape, in blocks of 256 KiB; 4000 where not given. */
  tapeBlocks?: number;
  /** Labels of tapes for the pool. */
  tapes?: readonly string[];
}

/** What a job did and said. */
export interface Run<Summary> {
  outcome: TaskOutcome<Summary>;
  observer: RecordingObserver;
  /** Of a job that went well; throws the job's error otherwise. */
  readonly summary: Summary;
}

function run<Summary>(outcome: TaskOutcome<Summary>, observer: RecordingObserver): Run<Summary> {
  return {
    outcome,
    observer,
    get summary() {
      if (outcome.error) throw outcome.error;
      return outcome.value as Summary;
    },
  };
}

export class Site {
  readonly installation: Installation;
  /** Epoch seconds; a second passes with every label, backup and restore. */
  now = 1_800_000_000;

  private constructor(t: ExecutionContext, options: Partial<InstallationOptions>) {
    this.installation = temporaryInstallation(t, {
      root: memoryDirectory(t),
      clock: () => this.now,
      acquireLock: acquireNativeLock,
      ...options,
    });
  }

  /** With drive `vdrive`, pool `pool1` and the empty datastore `store1`. */
  static async make(t: ExecutionContext, options: SiteOptions = {}): Promise<Site> {
    const site = new Site(t, options.installation ?? {});
    await site.addDrive('vdrive', options.tapeBlocks);
    await createPool(site.installation, { name: 'pool1', ...options.pool });
    await site.addStore('store1');
    for (const labelText of options.tapes ?? ['T1']) await site.label(labelText);
    return site;
  }

  path(...parts: string[]): string {
    return join(this.installation.root, ...parts);
  }

  async addDrive(name: string, tapeBlocks = 4000): Promise<void> {
    const path = this.path(`tapes-${name}`);
    await addDrive(this.installation, { type: 'virtual', name, path, 'max-size': tapeBlocks * 262_144 });
  }

  /** Without the folders of chunks that it may never get. */
  async addStore(name: string): Promise<void> {
    await configureDatastore(this.installation, { name, path: this.path(name) }, async (path) => {
      mkdirSync(join(path, '.chunks'), { recursive: true });
      writeFileSync(join(path, '.lock'), '');
    });
  }

  /** Ready for the chunks that other datastores have now. */
  async addTarget(name: string, ...sources: string[]): Promise<void> {
    await this.addStore(name);
    for (const source of sources.length > 0 ? sources : ['store1']) {
      const folders = readdirSync(this.path(source, '.chunks'));
      for (const folder of folders) mkdirSync(this.path(name, '.chunks', folder), { recursive: true });
    }
  }

  load(labelText: string, drive = 'vdrive'): Promise<void> {
    return settled(loadMedia(this.installation, { labelText, drive }, new RecordingObserver()));
  }

  /** For pool1; `pool: undefined` is for none. */
  async label(labelText: string, options: { pool?: string | undefined; drive?: string } = {}): Promise<void> {
    const { pool, drive } = { pool: 'pool1', drive: 'vdrive', ...options };
    this.now++;
    await this.load(labelText, drive);
    await settled(labelMedia(this.installation, { labelText, pool, drive }, new RecordingObserver()));
  }

  /**
   * Imports a snapshot with one image per name; the image is one chunk, the same for the same name.
   * `time` counts days from FIRST_BACKUP. Resolves with the snapshot's path.
   */
  async addSnapshot(
    group: string,
    time: number,
    chunks: readonly string[],
    options: { store?: string; ns?: string; chunkBytes?: number; blobBytes?: number } = {},
  ) {
    const store = options.store ?? 'store1';
    mkdirSync(this.path('images'), { recursive: true });
    const archives = chunks.map((name, number) => {
      const folder = chunkDigest(name, options.chunkBytes).slice(0, 4);
      mkdirSync(this.path(store, '.chunks', folder), { recursive: true });
      writeFileSync(this.path('images', name), content(name, options.chunkBytes ?? CHUNK_BYTES));
      return `disk${number}.img:${this.path('images', name)}`;
    });
    if (options.blobBytes !== undefined) {
      writeFileSync(this.path('images', 'blob'), content('blob', options.blobBytes));
      archives.push(`big.conf:${this.path('images', 'blob')}`);
    }
    const { snapshot } = await importSnapshot(
      this.installation,
      { store, group, time: FIRST_BACKUP + time * 86_400, archives, ns: options.ns },
      new RecordingObserver(),
    );
    return snapshot;
  }

  async backup(
    parameters: Partial<BackupParameters> = {},
    observer = new RecordingObserver(),
  ): Promise<Run<BackupSummary>> {
    this.now++;
    const defaults = { store: 'store1', pool: 'pool1', drive: 'vdrive' };
    return run(await backup(this.installation, { ...defaults, ...parameters }, observer), observer);
  }

  async restore(parameters: RestoreParameters, observer = new RecordingObserver()): Promise<Run<RestoreSummary>> {
    this.now++;
    return run(await restore(this.installation, { drive: 'vdrive', ...parameters }, observer), observer);
  }

  /** Throws unless every snapshot in the datastore is whole; gives their number. */
  async verified(store: string): Promise<number> {
    const report = await verifySnapshots(this.installation, { store }, new RecordingObserver());
    if (report.errors.length > 0) throw new Error(report.errors.map(({ message }) => message).join('\n'));
    return report.snapshots;
  }

  inventory(): Promise<Inventory> {
    return new InventoryFile(this.installation).load();
  }

  catalogPath(inventory: Inventory, labelText: string): string {
    return this.installation.paths.catalogFile(inventory.getByLabel(labelText).label.uuid);
  }

  /** Number of files on a tape. */
  tapeFileCount(labelText: string, drive = 'vdrive'): number {
    const index = readFileSync(this.path(`tapes-${drive}`, `tape-${labelText}.json`), 'utf8');
    return (JSON.parse(index) as { files: number }).files;
  }

  tapeFile(labelText: string, number: number, drive = 'vdrive'): string {
    return this.path(`tapes-${drive}`, `tapefile-${number}-${labelText}.json`);
  }

  /** Label of the tape in a drive. */
  loaded(drive = 'vdrive'): string | undefined {
    const status = JSON.parse(readFileSync(this.path(`tapes-${drive}`, 'drive-status.json'), 'utf8'));
    return (status as { current_tape: { name: string } | null }).current_tape?.name;
  }

  /** Paths of the snapshots that a datastore has, sorted. */
  snapshots(store: string): string[] {
    const manifests = readdirSync(this.path(store), { recursive: true, encoding: 'utf8' });
    return manifests
      .filter((path) => path.endsWith('/index.json.blob') && !path.startsWith('.'))
      .map((path) => path.replace(/\/index\.json\.blob$/, ''))
      .sort();
  }
}
