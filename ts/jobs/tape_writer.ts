/**
 * Keeps a writable tape of the session's media set in the drive (behaviour.md 10.4): takes the next one, loads it, makes
 * sure of its labels, and gives a tape that joins the set the catalogs of all earlier members.
 *
 * Order of commits: data on the tape and synced, then the tape's catalog file (both by the Rust core), then the inventory.
 */
import type { Installation } from '../config/installation.ts';
import { FerriteError } from '../errors.ts';
import type { OpenDrive } from '../library/drive.ts';
import { requestMedia } from '../library/load.ts';
import type { WorkLog } from '../log.ts';
import type { InventoryFile } from '../media/inventory_file.ts';
import { setLabelOf } from '../media/membership.ts';
import type { WriteSession } from '../media/write_session.ts';
import type { CatalogArchiveFormat, ChunkIndex, InventoryEntry, MediaSetLabel, TapeLabels } from '../native.ts';
import { buildChunkIndex } from './snapshot_contents.ts';

/** A set this long is hard to bring back: every tape is needed. */
const LARGE_SET = 20;

export interface TapeWriterOptions {
  readonly installation: Installation;
  readonly drive: OpenDrive;
  readonly session: WriteSession;
  readonly inventory: InventoryFile;
  readonly catalogVersion: CatalogArchiveFormat;
  readonly log: WorkLog;
}

/** A tape of the set, ready to be appended to. */
export interface WritableTape {
  readonly labelText: string;
  readonly uuid: string;
  readonly setLabel: MediaSetLabel;
  readonly catalogPath: string;
  /** Nothing of this job was on it when it was loaded. */
  readonly isNew: boolean;
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
    const { session, drive, log } = this.#options;
    const { tape, source } = await session.allocate();
    if (this.#loaded?.uuid === tape.label.uuid) return this.#loaded;
    const setLabel = setLabelOf(tape);
    if (!setLabel)
      throw new FerriteError('system', 'internal', `tape '${tape.label.labelText}' was allocated without a set`);
    const { labelText } = tape.label;
    log.info(source ? `allocated ${source} tape '${labelText}'` : `continuing with tape '${labelText}'`);
    const found = await requestMedia(drive, tape.label, log);
    const isNew = await this.#ensureSetLabel(found, setLabel);
    const catalogPath = this.#catalogPath(tape.label.uuid);
    this.#loaded = { labelText, uuid: tape.label.uuid, setLabel, catalogPath, isNew };
    this.used.push(this.#loaded);
    if (isNew) await this.#appendEarlierCatalogs(setLabel.seqNr);
    return this.#loaded;
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

  /** True: the set label was written now, all data behind it is gone, and the tape is a new member. */
  async #ensureSetLabel(found: TapeLabels, wanted: MediaSetLabel): Promise<boolean> {
    const { drive, log } = this.#options;
    const tape = `tape '${found.label.labelText}'`;
    const present = found.mediaSetLabel;
    if (present?.uuid === wanted.uuid) {
      refuseOtherPlace(tape, present, wanted);
      return false;
    }
    const before = setLabelOf(found);
    log.info(
      before
        ? `writing new media set label to ${tape} (overwrites set ${before.uuid}, number ${before.seqNr})`
        : `writing new media set label to ${tape}`,
    );
    if (wanted.seqNr >= LARGE_SET) log.warn(`large media set: this is its tape number ${wanted.seqNr}`);
    await drive.tape.writeMediaSetLabel(wanted);
    const { createCatalog } = await import('../native.ts');
    const { owner } = this.#options.installation;
    const labels = { label: found.label, mediaSetLabel: wanted };
    await createCatalog(this.#catalogPath(found.label.uuid), labels, ...(owner ? [owner] : []));
    return true;
  }

  async #appendEarlierCatalogs(count: number): Promise<void> {
    const { session, log, inventory } = this.#options;
    if (count === 0) return;
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
    const { complete } = await drive.tape.appendCatalog({
      catalogPath: this.#catalogPath(mediaUuid),
      mediaUuid,
      mediaSetUuid: session.set.uuid,
      seqNr,
      contentVersion: catalogVersion,
    });
    return complete;
  }
}

/** A tape that carries the set's label but another number or key is not what the inventory says it is (I3). */
function refuseOtherPlace(tape: string, present: MediaSetLabel, wanted: MediaSetLabel): void {
  const problem =
    present.seqNr !== wanted.seqNr
      ? `is number ${present.seqNr} of media set ${present.uuid}, the inventory says ${wanted.seqNr}`
      : present.encryptionKeyFingerprint !== wanted.encryptionKeyFingerprint
        ? `has the encryption key ${present.encryptionKeyFingerprint ?? '(none)'}, the pool has ${wanted.encryptionKeyFingerprint ?? '(none)'}`
        : undefined;
  if (problem) throw new FerriteError('data', 'I3', `${tape} ${problem}: run 'proxmox-tape read-label --inventorize'`);
}

/** Label texts of tapes for a message. */
export function labelTexts(tapes: readonly InventoryEntry[]): string {
  return tapes.map((tape) => tape.label.labelText).join(';');
}
