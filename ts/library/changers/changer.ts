/**
 * A changer in use (behaviour.md sections 16 and 18): opened for one question or one plan, because a person may open its
 * door at any time. What it reports is kept in PBS's cache; plans of several processes are carried out one after the other.
 */
import { changerConfig } from '../../config/changers.ts';
import { isLockTimeout } from '../../config/file_lock.ts';
import { type Installation, lockFile } from '../../config/installation.ts';
import type { ChangerConfig } from '../../config/tape_sections.ts';
import { toFerriteError } from '../../errors.ts';
import type { ChangerStatus, ElementPlace, Environment, MediaChanger, SlotElement } from '../../native.ts';
import { removeChangerCache, writeChangerCache } from './changer_cache.ts';
import { type ElementLabel, type LibraryElements, markExportSlots } from './elements.ts';
import { type Move, type Place, type Plan, placeText } from './moves.ts';

export interface ChangerAccess {
  environment?: Environment | undefined;
  signal?: AbortSignal | undefined;
  /** Told about movements and about what is odd in the library. */
  info?: ((line: string) => void) | undefined;
}

/** Another process's moves may take as long as the slowest library needs for two of them. */
const LOCK_WAIT_MS = 90 * 60_000;
const LOCK_STEP_MS = 250;

export class Changer {
  readonly config: ChangerConfig;
  readonly #installation: Installation;
  readonly #device: MediaChanger;
  readonly #access: ChangerAccess;
  readonly #told = new Set<string>();

  private constructor(installation: Installation, config: ChangerConfig, device: MediaChanger, access: ChangerAccess) {
    this.#installation = installation;
    this.config = config;
    this.#device = device;
    this.#access = access;
  }

  /** Opens the changer for the duration of `work`. An abort stops it between two movements. */
  static async use<T>(
    installation: Installation,
    config: ChangerConfig,
    access: ChangerAccess,
    work: (changer: Changer) => Promise<T>,
  ): Promise<T> {
    const { MediaChanger } = await import('../../native.ts');
    const { name, path } = config;
    const { environment, signal } = access;
    const traceScsi = installation.variables.FERRITE_TRACE_SCSI;
    const options = { name, path, ...(environment && { environment }), ...(traceScsi && { traceScsi }) };
    let device: MediaChanger;
    try {
      device = await MediaChanger.open(options);
    } catch (error) {
      await removeChangerCache(installation, name);
      throw error;
    }
    const abort = (): void => device.cancel();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (signal?.aborted) throw toFerriteError(signal.reason);
      return await work(new Changer(installation, config, device, access));
    } finally {
      signal?.removeEventListener('abort', abort);
      await device.close();
    }
  }

  /** Asks what stands where, with the export slots of the configuration. */
  async look(): Promise<LibraryElements> {
    try {
      return await this.#take(await this.#device.status());
    } catch (error) {
      await removeChangerCache(this.#installation, this.config.name);
      throw error;
    }
  }

  /**
   * Looks, decides, moves, while no other process of this host moves anything. `beforeMove` may bring a drive to let go of
   * its tape. A plan's refusal is thrown when its moves are done.
   */
  async perform<P extends Plan>(
    decide: (elements: LibraryElements) => P,
    beforeMove: (move: Move) => Promise<void> = async () => {},
  ): Promise<P> {
    const lock = await this.#lock();
    try {
      let elements = await this.look();
      const plan = decide(elements);
      for (const move of plan.moves) {
        this.#access.signal?.throwIfAborted();
        await beforeMove(move);
        elements = await this.#move(move, labelAt(elements, move.from));
      }
      if (plan.refusal) throw plan.refusal;
      return plan;
    } finally {
      lock.release();
    }
  }

  async #move({ from, to }: Move, labelText: ElementLabel): Promise<LibraryElements> {
    const tape = labelText ? `tape '${labelText}'` : 'a tape without readable bar code';
    this.#access.info?.(`moving ${tape} from ${placeText(from)} to ${placeText(to)}`);
    try {
      const { status, note } = await this.#device.move(elementPlace(from), elementPlace(to));
      if (note) this.#access.info?.(note);
      return await this.#take(status);
    } catch (error) {
      // The movement's error is the one to tell; where the tape is now is for whoever looks next.
      await this.look().catch(() => undefined);
      throw error;
    }
  }

  async #take(status: ChangerStatus): Promise<LibraryElements> {
    for (const warning of status.warnings) {
      if (!this.#told.has(warning)) this.#access.info?.(`changer '${this.config.name}': ${warning}`);
      this.#told.add(warning);
    }
    const elements = elementsOf(status);
    await writeChangerCache(this.#installation, this.config.name, elements);
    return markExportSlots(elements, this.config['export-slots']);
  }

  async #lock() {
    const { paths } = this.#installation;
    for (let leftMs = LOCK_WAIT_MS; ; leftMs -= LOCK_STEP_MS) {
      this.#access.signal?.throwIfAborted();
      try {
        const what = `changer '${this.config.name}'`;
        return await lockFile(this.#installation, paths.changerLock(this.config.path), what, LOCK_STEP_MS);
      } catch (error) {
        if (!isLockTimeout(error) || leftMs <= 0) throw error;
      }
    }
  }
}

/** As `Changer.use`, by the name in tape.cfg. */
export async function useChanger<T>(
  installation: Installation,
  name: string,
  access: ChangerAccess,
  work: (changer: Changer) => Promise<T>,
): Promise<T> {
  return Changer.use(installation, await changerConfig(installation, name), access, work);
}

function elementPlace(place: Place): ElementPlace {
  return 'drive' in place ? { kind: 'drive', number: place.drive } : { kind: 'slot', number: place.slot };
}

function labelAt(elements: LibraryElements, place: Place): ElementLabel {
  const element = 'drive' in place ? elements.drives[place.drive] : elements.slots[place.slot - 1];
  return element?.labelText;
}

function labelOf({ status, tag }: Pick<SlotElement, 'status' | 'tag'>): ElementLabel {
  return status === 'empty' ? undefined : (tag ?? '');
}

export function elementsOf({ drives, slots, transports }: ChangerStatus): LibraryElements {
  return {
    drives: drives.map((drive) => ({
      labelText: labelOf(drive),
      loadedSlot: drive.loadedSlot,
      serial: drive.driveSerialNumber,
      vendor: drive.vendor,
      model: drive.model,
      address: drive.elementAddress,
    })),
    slots: slots.map((slot) => ({
      labelText: labelOf(slot),
      isImportExport: slot.importExport,
      address: slot.elementAddress,
    })),
    transports: transports.map((transport) => ({ labelText: labelOf(transport), address: transport.elementAddress })),
  };
}
