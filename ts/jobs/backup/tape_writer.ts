/**
 * Keeps a writable tape of the session's media set in the drive (behaviour.md 10.4): takes the next one, loads it, makes
 * sure of its labels, and gives a tape that joins the set the catalogs of all earlier members.
 *
 * Order of commits: data on the tape and synced, then the tape's catalog file (both by the Rust core), then the inventory.
 * A job that was stopped anywhere in between left a tape whose catalog names nothing yet, so the next one starts it anew.
 */
import type { Installation } from '../../config/installation.ts';
import { FerriteError, toFerriteError } from '../../errors.ts';
import { readAlerts } from '../../library/drives/alerts.ts';
import { type OpenDrive, onTape } from '../../library/drives/drive.ts';
import { requestMedia } from '../../library/media_request.ts';
import type { WorkLog } from '../../log.ts';
import type { TapeSource } from '../../media/allocation.ts';
import type { InventoryFile } from '../../media/inventory_file.ts';
import { setLabelOf } from '../../media/membership.ts';
import type { WriteSession } from '../../media/write_session.ts';
import type { CatalogArchiveFormat, ChunkIndex, MediaLabel, MediaSetLabel } from '../../native.ts';
import { buildChunkIndex } from '../datastore/snapshot_contents.ts';
import { prepareToWrite, type SetEncryption } from '../tape_encryption.ts';
import { ensureSetLabel, readLabelsOfUnwritten } from './set_label.ts';

/** The drive's error for a block that does not fit any more. */
export const TAPE_FULL = 'tape-full';

/** Files in front of the data: both labels. */
const LABEL_FILES = 2;

export interface TapeWriterOptions {
  readonly installation: Installation;
  readonly drive: OpenDrive;
  readonly session: WriteSession;
  readonly inventory: InventoryFile;
  readonly catalogVersion: CatalogArchiveFormat;
  /** Of an encrypted pool. */
  readonly encryption?: SetEncryption | undefined;
  /** The drive is one whose tapes keep no content, and which cannot encrypt. */
  readonly dryRun?: boolean;
  readonly log: WorkLog;
}

/** A tape of the set, ready to be appended to. */
export interface WritableTape {
  readonly labelText: string;
  readonly uuid: string;
  readonly setLabel: MediaSetLabel;
  /** Where it came from when it joined the set; undefined: it was the set's last tape already. */
  readonly source: TapeSource | undefined;
  readonly catalogPath: string;
  /** When it was loaded there was nothing on it but labels and catalogs. */
  readonly isFresh: boolean;
}

export class TapeWriter {
  /** Tapes this job wrote to, in order. */
  readonly used: WritableTape[] = [];
  readonly #options: TapeWriterOptions;
  #loaded: WritableTape | undefined;

  constructor(options: TapeWriterOptions) {
    this.#options = options;
  }

  /** The tape to write to now, in the drive and at hand. */
  async ensure(): Promise<WritableTape> {
    const { session, drive, log, installation } = this.#options;
    const allocated = await session.allocate();
    const { label } = allocated.tape;
    if (this.#loaded?.uuid === label.uuid) return this.#loaded;
    const setLabel = setLabelOf(allocated.tape);
    if (!setLabel)
      throw new FerriteError('system', 'internal', `tape '${label.labelText}' was allocated without a set`);
    log.info(
      allocated.source
        ? `allocated ${allocated.source} tape '${label.labelText}'`
        : `continuing with tape '${label.labelText}'`,
    );
    const catalogPath = this.#catalogPath(label.uuid);
    const isNew = await namesNothing(catalogPath);
    const found = await requestMedia(drive, label, log, isNew ? readLabelsOfUnwritten : undefined);
    await this.#refuseDamaged(label);
    // A drive that cannot do what the pool wants is to say so before the label is written, which clears the key.
    await this.#prepareDrive(setLabel);
    const keyConfig = this.#options.encryption?.keyConfig;
    await ensureSetLabel(installation, drive, { ...allocated, found, wanted: setLabel, keyConfig, isNew }, log);
    await this.#prepareDrive(setLabel);
    await this.#tellEncryption(setLabel);
    // More files on a new tape: a job wrote behind the catalogs, and was stopped before anything was safe.
    const isFresh = isNew && (await drive.tape.endOfData()) <= LABEL_FILES + setLabel.seqNr;
    const { labelText, uuid } = label;
    this.#loaded = { labelText, uuid, setLabel, source: allocated.source, catalogPath, isFresh };
    this.used.push(this.#loaded);
    if (isFresh) await this.#appendEarlierCatalogs(setLabel.seqNr);
    return this.#loaded;
  }

  async #prepareDrive({ uuid }: MediaSetLabel): Promise<void> {
    const { drive, encryption, dryRun } = this.#options;
    if (!dryRun) await prepareToWrite(drive, uuid, encryption);
  }

  async #tellEncryption({ encryptionKeyFingerprint: fingerprint }: MediaSetLabel): Promise<void> {
    const { drive, log, dryRun } = this.#options;
    if (fingerprint !== undefined) {
      log.info(`data is encrypted with key ${fingerprint.slice(0, 23)} by drive '${drive.name}'`);
      return;
    }
    if (dryRun || this.used.length > 0) return;
    const mode = await drive.tape.encryptionMode().catch(() => undefined);
    if (mode === 'managed') {
      log.info(
        `the library of drive '${drive.name}' decides about encryption: what it encrypts, labels included, can only be ` +
          'read with its own key',
      );
    }
  }

  /** The tape in the drive takes no more: the next `ensure` brings another. */
  async markFull(): Promise<void> {
    const { inventory, log } = this.#options;
    const tape = this.#require();
    log.info(`tape '${tape.labelText}' is full`);
    await inventory.update((known) => known.withStatus(tape.uuid, 'full'));
  }

  /** Tells the inventory how full the tape is, where the drive knows. */
  async recordUsage(): Promise<void> {
    const { inventory, drive } = this.#options;
    const tape = this.#require();
    const bytes = await drive.tape.usedBytes();
    if (bytes !== null) await inventory.update((known) => known.withUsedBytes(tape.uuid, bytes));
  }

  /** What all tapes of the set hold, the loaded one included; valid until the next write. */
  async withChunkIndex<T>(work: (index: ChunkIndex) => Promise<T>): Promise<T> {
    const { installation, session } = this.#options;
    const index = await buildChunkIndex(installation, session.set.uuid, this.#members());
    try {
      return await work(index);
    } finally {
      index.close();
    }
  }

  /** Appends the catalog of the loaded tape to it, or to the next tape where it does not fit (behaviour.md S-163). */
  async appendOwnCatalog(): Promise<void> {
    const { log } = this.#options;
    for (const attempt of [1, 2]) {
      const tape = await this.ensure();
      log.info(`append catalog of tape '${tape.labelText}'`);
      if (await this.#appendCatalog(tape.uuid, tape.setLabel.seqNr)) return;
      if (attempt === 2) {
        throw new FerriteError(
          'operator',
          'catalog-too-large',
          `the catalog does not fit on tape '${tape.labelText}' either`,
        );
      }
      await this.markFull();
    }
  }

  /** A tape or drive that is in danger is not written to, and the tape not taken again (behaviour.md 10.4). */
  async #refuseDamaged({ labelText, uuid }: MediaLabel): Promise<void> {
    const { drive, inventory, log } = this.#options;
    const critical = await readAlerts(drive, log);
    if (critical.length === 0) return;
    await inventory.update((known) => known.withStatus(uuid, 'damaged'));
    throw new FerriteError(
      'operator',
      'critical-alert',
      `drive '${drive.name}' warns of tape '${labelText}' (${critical.join(' | ')}): nothing was written to it, and its ` +
        'status is damaged now; run the job again to go on with another tape',
    );
  }

  #require(): WritableTape {
    if (!this.#loaded) throw new FerriteError('system', 'internal', 'no tape was loaded by this job');
    return this.#loaded;
  }

  #catalogPath(uuid: string): string {
    return this.#options.installation.paths.catalogFile(uuid);
  }

  /** Media UUIDs in order of their sequence numbers. */
  #members(): string[] {
    const { members } = this.#options.session.set;
    return [...members].sort(([a], [b]) => a - b).map(([, uuid]) => uuid);
  }

  async #appendEarlierCatalogs(count: number): Promise<void> {
    const { session, log, inventory } = this.#options;
    const known = await inventory.load();
    for (const [seqNr, uuid] of this.#members().slice(0, count).entries()) {
      const labelText = known.find(uuid)?.label.labelText ?? uuid;
      log.info(`append catalog of tape '${labelText}' (number ${seqNr} of the set)`);
      if (await this.#appendCatalog(uuid, seqNr)) continue;
      throw new FerriteError(
        'operator',
        'catalog-too-large',
        `tape '${this.#require().labelText}' is full before the catalogs of the earlier tapes of media set ` +
          `${session.set.uuid} are on it: use larger tapes, or start a new media set`,
      );
    }
  }

  /** False: the tape's end was met. */
  async #appendCatalog(mediaUuid: string, seqNr: number): Promise<boolean> {
    const { drive, session, catalogVersion } = this.#options;
    const plan = {
      catalogPath: this.#catalogPath(mediaUuid),
      mediaUuid,
      mediaSetUuid: session.set.uuid,
      seqNr,
      contentVersion: catalogVersion,
    };
    const { labelText } = this.#require();
    const appended = onTape(labelText, drive.tape.appendCatalog(plan)).catch(async (error) => {
      if (toFerriteError(error).code === TAPE_FULL) return { complete: false }; // not one more block fits
      // The next job may have nothing to write here, and would not give the file its end.
      await drive.tape.endOfData().catch(() => {});
      throw error;
    });
    return (await appended).complete;
  }
}

async function namesNothing(catalogPath: string): Promise<boolean> {
  const { readCatalog } = await import('../../native.ts');
  const { archives, snapshots } = await readCatalog(catalogPath);
  return archives.length === 0 && snapshots.length === 0;
}
