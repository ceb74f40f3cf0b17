/**
 * All known tapes, as inventory.json lists them: an immutable list and the rules by which entries replace each other.
 * Reading and writing the file is inventory_file.ts's.
 */
import { FerriteError } from '../errors.ts';
import type { InventoryEntry, MediaSetLabel, TapeLabels } from '../native.ts';
import { formatLocation, type Location } from './location.ts';
import { ZERO_UUID } from './membership.ts';
import type { OnlineUpdate } from './online.ts';
import type { StorableStatus } from './status.ts';

export class Inventory {
  /** Sorted by UUID. */
  readonly entries: readonly InventoryEntry[];

  /** Of several entries with one UUID the last counts. */
  constructor(entries: readonly InventoryEntry[]) {
    const byUuid = new Map(entries.map((entry) => [entry.label.uuid, entry]));
    this.entries = [...byUuid.values()].sort((a, b) => (a.label.uuid < b.label.uuid ? -1 : 1));
  }

  find(uuid: string): InventoryEntry | undefined {
    return this.entries.find((entry) => entry.label.uuid === uuid);
  }

  /** Throws a FerriteError (`usage`, `unknown-tape`). */
  get(uuid: string): InventoryEntry {
    const entry = this.find(uuid);
    if (entry) return entry;
    throw new FerriteError('usage', 'unknown-tape', `no tape with UUID ${uuid} is in the inventory`);
  }

  /** Throws a FerriteError (`data`, `duplicate-label`) when several tapes have this label text. */
  findByLabel(labelText: string): InventoryEntry | undefined {
    const found = this.entries.filter((entry) => entry.label.labelText === labelText);
    if (found.length <= 1) return found[0];
    const uuids = found.map((entry) => entry.label.uuid).join(', ');
    const message = `several tapes have the label '${labelText}' (${uuids}): name the one you mean by its UUID`;
    throw new FerriteError('data', 'duplicate-label', message);
  }

  /** Throws a FerriteError (`usage`, `unknown-tape`). */
  getByLabel(labelText: string): InventoryEntry {
    const entry = this.findByLabel(labelText);
    if (entry) return entry;
    throw new FerriteError('usage', 'unknown-tape', `no tape with label '${labelText}' is in the inventory`);
  }

  /**
   * The labels as read from a tape, or as it is to get them. What the inventory knows besides stays: location, used
   * bytes, and the status unless the tape starts anew in a set. A tape that was only reserved for a pool stays reserved.
   */
  withTape(labels: TapeLabels, options: { clearStatus?: boolean } = {}): Inventory {
    const before = this.find(labels.label.uuid);
    const reserved = before?.mediaSetLabel?.uuid === ZERO_UUID ? before.mediaSetLabel : undefined;
    const mediaSetLabel = labels.mediaSetLabel ? withoutKey(labels.mediaSetLabel) : reserved;
    const status = options.clearStatus ? undefined : before?.status;
    return this.replacing({
      label: labels.label,
      ...(mediaSetLabel && { mediaSetLabel }),
      ...(before?.location !== undefined && { location: before.location }),
      ...(status !== undefined && { status }),
      ...(before?.bytesUsed !== undefined && { bytesUsed: before.bytesUsed }),
    });
  }

  without(uuid: string): Inventory {
    return new Inventory(this.entries.filter((entry) => entry.label.uuid !== uuid));
  }

  /** Undefined clears the stored status: what follows from the sets applies again. */
  withStatus(uuid: string, status: StorableStatus | undefined): Inventory {
    const { status: _, ...entry } = this.get(uuid);
    return this.replacing({ ...entry, ...(status !== undefined && { status }) });
  }

  withLocation(uuid: string, location: Location): Inventory {
    return this.replacing({ ...this.get(uuid), location: formatLocation(location) });
  }

  /** From the drive's volume statistics, when a tape is unloaded. */
  withUsedBytes(uuid: string, bytesUsed: number): Inventory {
    return this.replacing({ ...this.get(uuid), bytesUsed });
  }

  withOnlineUpdate(update: OnlineUpdate): Inventory {
    const locations = new Map(update.moved.map(({ uuid, location }) => [uuid, location]));
    if (locations.size === 0) return this;
    return new Inventory(
      this.entries.map((entry) => {
        const location = locations.get(entry.label.uuid);
        return location === undefined ? entry : { ...entry, location };
      }),
    );
  }

  private replacing(entry: InventoryEntry): Inventory {
    return new Inventory([...this.entries.filter(({ label }) => label.uuid !== entry.label.uuid), entry]);
  }
}

/** The wrapped key stands on tape only. */
function withoutKey({ keyConfig: _, ...label }: MediaSetLabel): MediaSetLabel {
  return label;
}
