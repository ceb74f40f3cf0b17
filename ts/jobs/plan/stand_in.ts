/**
 * A stand-in of an installation for plans: a copy of what a job would change, with a virtual drive whose tapes have lengths
 * and no content. A plan is the job itself, run in there, so it decides what the job would decide.
 *
 * Copied are the inventory, the catalogs of the media set that may be continued, and the labels and lengths of the tapes
 * that may be written to. The copy lies in the cache and is removed when the plan is made; the installation stays as it is.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { addDrive } from '../../config/drives.ts';
import { ensureDirectory, type Installation, now, openInstallation } from '../../config/installation.ts';
import { DEFAULT_VIRTUAL_TAPE_BYTES, type DriveConfig } from '../../config/tape_sections.ts';
import { FerriteError } from '../../errors.ts';
import { type OpenDrive, withOpenDrive, withReservedDrive } from '../../library/drives/drive.ts';
import { candidates } from '../../media/allocation.ts';
import { cartridgeKind } from '../../media/cartridge.ts';
import { Inventory } from '../../media/inventory.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import type { MediaSession } from '../../media/location.ts';
import { lastMember, type MediaSet, setLabelOf } from '../../media/membership.ts';
import type { PoolPolicy, PoolState } from '../../media/pool_policy.ts';
import { startSession } from '../../media/session_start.ts';
import type { InventoryEntry, TapeDrive } from '../../native.ts';

export interface StandInRequest {
  readonly drive: DriveConfig;
  readonly pool: PoolPolicy;
  readonly session: MediaSession;
  readonly forceNewSet: boolean;
  /** All tapes, where they are now. */
  readonly entries: readonly InventoryEntry[];
  readonly signal: AbortSignal;
}

/** Blank tapes beyond these are a sign of an error, not of need. */
const MAX_BLANK_TAPES = 1000;

export class StandIn {
  readonly installation: Installation;
  /** Of every tape. */
  readonly capacityBytes: number;
  /** What the plan takes for granted. */
  readonly assumptions: string[] = [];
  /** UUIDs of tapes that the pool lacks, in the order in which they were needed. */
  readonly blank: string[] = [];
  readonly #request: StandInRequest;
  #drive: OpenDrive | undefined;

  private constructor(installation: Installation, request: StandInRequest, capacityBytes: number) {
    this.installation = installation;
    this.#request = request;
    this.capacityBytes = capacityBytes;
  }

  /** Makes a stand-in for the duration of `work`. */
  static async use<T>(
    installation: Installation,
    request: StandInRequest,
    work: (standIn: StandIn, drive: OpenDrive) => Promise<T>,
  ): Promise<T> {
    const { cacheDir } = installation.paths;
    await ensureDirectory(installation, cacheDir);
    const root = await mkdtemp(join(cacheDir, 'plan-'));
    try {
      const standIn = new StandIn(standInOf(installation, root), request, capacityOf(request));
      return await standIn.#run(installation, work);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  }

  async #run<T>(installation: Installation, work: (standIn: StandIn, drive: OpenDrive) => Promise<T>): Promise<T> {
    const { drive, entries, signal } = this.#request;
    const { set, usable } = this.#mayBeUsed();
    await new InventoryFile(this.installation).update(() => new Inventory(entries));
    await copyCatalogs(installation, this.installation, set);
    await mkdir(this.#tapes);
    const { name } = drive;
    await addDrive(this.installation, { type: 'virtual', name, path: this.#tapes, 'max-size': this.capacityBytes });
    const access = { drive: name, hollow: true };
    return withReservedDrive(this.installation, access, signal, (reserved) =>
      withOpenDrive(reserved, signal, async (open) => {
        this.#drive = open;
        await this.#makeTapes(open.tape, usable, lastMember(set));
        return work(this, open);
      }),
    );
  }

  get #tapes(): string {
    return join(this.installation.root, 'tapes');
  }

  /** The set that the job would go on with, and every tape that it could write to. */
  #mayBeUsed(): { set: MediaSet; usable: InventoryEntry[] } {
    const { pool, session, entries, forceNewSet } = this.#request;
    const time = now(this.installation);
    const newUuid = (): string => this.installation.uuid();
    const { set } = startSession({ pool, entries, session, now: time, forceNewSet, newUuid });
    const state: PoolState = { pool, entries, set, session };
    const last = entries.filter(({ label }) => label.uuid === lastMember(set));
    const others = (['empty', 'expired', 'unassigned'] as const).flatMap((source) => candidates(state, source, time));
    return { set, usable: [...last, ...others] };
  }

  async #makeTapes(tape: TapeDrive, usable: readonly InventoryEntry[], last: string | undefined): Promise<void> {
    const { drive } = this.#request;
    if (drive.type === 'virtual') {
      const { copyHollowTapes, listVirtualSlots } = await import('../../native.ts');
      const present = new Set((await listVirtualSlots(drive.path)).slots.map(({ labelText }) => labelText));
      const labels = usable.map(({ label }) => label.labelText).filter((label) => present.has(label));
      await copyHollowTapes(drive.path, labels, this.#tapes);
      return;
    }
    this.assumptions.push(`tapes of ${(this.capacityBytes / 1e12).toFixed(2)} TB, data that the drive cannot compress`);
    for (const entry of usable) await this.#describeTape(tape, entry, entry.label.uuid === last);
  }

  /** A tape of a real drive, as inventory and catalog know it. */
  async #describeTape(tape: TapeDrive, entry: InventoryEntry, goesOn: boolean): Promise<void> {
    const { labelText } = entry.label;
    await tape.load(labelText);
    await tape.writeLabel(entry.label);
    const set = setLabelOf(entry);
    // Nobody opens the key of a stand-in, but the label of an encrypted set has one.
    const key = set?.encryptionKeyFingerprint === undefined ? {} : { keyConfig: '{}' };
    if (set) await tape.writeMediaSetLabel({ ...set, ...key });
    await tape.unload();
    if (!goesOn) return;
    const { readCatalog, growHollowTape } = await import('../../native.ts');
    const { archives, snapshots } = await readCatalog(this.installation.paths.catalogFile(entry.label.uuid));
    const files = Math.max(1, ...[...archives, ...snapshots].map(({ fileNumber }) => fileNumber)) + 1;
    if (entry.bytesUsed === undefined) {
      this.assumptions.push(`tape '${labelText}' is taken for empty: nothing is known about how full it is`);
    }
    await growHollowTape(this.#tapes, labelText, files, entry.bytesUsed ?? 0);
  }

  /** The pool has no tape left: makes a blank one, as somebody would have to bring it. */
  async provideBlankTape(refusal: FerriteError): Promise<boolean> {
    const { drive, session, pool } = this.#request;
    if (!this.#drive || this.blank.length >= MAX_BLANK_TAPES) return false;
    const file = new InventoryFile(this.installation);
    const known = new Set((await file.load()).entries.map(({ label }) => label.labelText));
    let number = this.blank.length + 1;
    while (known.has(blankLabel(number))) number++;
    const label = {
      labelText: blankLabel(number),
      uuid: this.installation.uuid(),
      ctime: now(this.installation),
      pool: pool.name,
    };
    const { tape } = this.#drive;
    await tape.load(label.labelText);
    if (await tape.isBlank()) await tape.writeLabel(label);
    else
      throw new FerriteError(
        'system',
        'internal',
        `${refusal.message}; the stand-in drive '${drive.name}' has no room`,
      );
    this.blank.push(label.uuid);
    const location =
      session.kind === 'changer'
        ? ({ kind: 'online', changer: session.changer } as const)
        : { kind: 'offline' as const };
    await file.update((inventory) => inventory.withTape({ label }).withLocation(label.uuid, location));
    return true;
  }
}

const blankLabel = (number: number): string => `blank-${number}`;

/** Clock, UUIDs and zone of the installation, files of its own. */
function standInOf(installation: Installation, root: string): Installation {
  const time = now(installation);
  return openInstallation({
    root,
    variables: {},
    clock: () => time,
    isSuperUser: false,
    zone: installation.zone,
    acquireLock: installation.acquireLock,
  });
}

/** Of a real drive by the bar codes of its tapes, those of the pool first. */
function capacityOf({ drive, pool, entries }: StandInRequest): number {
  if (drive.type === 'virtual') return drive['max-size'] ?? DEFAULT_VIRTUAL_TAPE_BYTES;
  const own = entries.filter((entry) => setLabelOf(entry)?.pool === pool.name || entry.label.pool === pool.name);
  const [kind] = [...own, ...entries].flatMap(({ label }) => cartridgeKind(label.labelText) ?? []);
  if (kind) return kind.capacityBytes;
  throw new FerriteError(
    'usage',
    'unknown-capacity',
    `how much fits on the tapes of pool '${pool.name}' is not known: their labels do not end in the generation of the ` +
      "cartridge (like 'A00012L8')",
  );
}

async function copyCatalogs(from: Installation, to: Installation, set: MediaSet): Promise<void> {
  for (const uuid of set.members.values()) {
    const source = from.paths.catalogFile(uuid);
    try {
      // Shares the blocks of the original where the file system can.
      await copyFile(source, join(to.paths.statusDir, basename(source)), constants.COPYFILE_FICLONE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
