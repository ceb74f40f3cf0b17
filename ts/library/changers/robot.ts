/** A drive's library with a robot: decisions of moves.ts, carried out by the changer of the drive's section. */
import type { Installation } from '../../config/installation.ts';
import type { ChangerConfig } from '../../config/tape_sections.ts';
import { FerriteError } from '../../errors.ts';
import type { WorkLog } from '../../log.ts';
import type { Environment, TapeDrive } from '../../native.ts';
import type { DriveHandle } from '../drives/drive_handle.ts';
import { progressOf } from '../drives/operation_progress.ts';
import { Changer, type ChangerAccess } from './changer.ts';
import type { DriveLibrary } from './drive_library.ts';
import { isCleaningLabel, type LibraryElements, onlineLabels } from './elements.ts';
import { type Move, type Plan, planCleaning, planExport, planLoad, planLoadFromSlot, planUnload } from './moves.ts';

export interface RobotOptions {
  readonly installation: Installation;
  readonly changer: ChangerConfig;
  /** Number of the drive in the library. */
  readonly driveNumber: number;
  readonly handle: DriveHandle;
  readonly environment?: Environment | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A cleaning cartridge is good for about 50 uses (behaviour.md section 17). */
const WEAR_PER_CLEANING = 0.02;

export class Robot implements DriveLibrary {
  readonly name: string;
  readonly #options: RobotOptions;
  #log: WorkLog | undefined;

  constructor(options: RobotOptions) {
    this.name = options.changer.name;
    this.#options = options;
  }

  /** From now on movements and waiting are told to this log. */
  tell(log: WorkLog): void {
    this.#log = log;
  }

  elements(): Promise<LibraryElements> {
    return this.#use((changer) => changer.look());
  }

  async onlineLabels(): Promise<string[]> {
    return onlineLabels(await this.elements());
  }

  async load(labelText: string): Promise<void> {
    const { driveNumber } = this.#options;
    await this.#perform((elements) => planLoad(elements, driveNumber, labelText));
    await this.#waitReady();
  }

  async loadFromSlot(slot: number): Promise<void> {
    const { driveNumber } = this.#options;
    let isCleaning = false;
    await this.#perform((elements) => {
      isCleaning = isCleaningLabel(elements.slots[slot - 1]?.labelText);
      return planLoadFromSlot(elements, driveNumber, slot);
    });
    if (!isCleaning) await this.#waitReady();
  }

  async unload(targetSlot?: number): Promise<void> {
    await this.#perform((elements) => planUnload(elements, this.#options.driveNumber, targetSlot));
  }

  async empty(): Promise<void> {
    const { driveNumber } = this.#options;
    await this.#perform((elements) =>
      elements.drives[driveNumber]?.labelText === undefined ? { moves: [] } : planUnload(elements, driveNumber),
    );
  }

  async exportTape(labelText: string): Promise<number> {
    const plan = await this.#perform((elements) => planExport(elements, this.#options.driveNumber, labelText));
    return plan.slot ?? 0;
  }

  async clean(log: WorkLog): Promise<void> {
    const { driveNumber: drive } = this.#options;
    const { cleaningSlot: slot } = await this.#perform((elements) => planCleaning(elements, drive));
    if (slot === undefined) return;
    log.info(`cleaning drive number ${drive} with the cartridge in slot ${slot}`);
    // The library takes the cartridge back when the drive lets go of it: that is when it is clean.
    await this.#perform(
      () => ({
        moves: [
          { from: { slot }, to: { drive } },
          { from: { drive }, to: { slot } },
        ],
      }),
      { eject: false },
    );
    await this.#options.handle.use(this.#options.signal, (tape) => reportCleaning(tape, log));
  }

  #use<T>(work: (changer: Changer) => Promise<T>): Promise<T> {
    const { installation, changer, environment, signal } = this.#options;
    const access: ChangerAccess = { environment, signal, info: (line) => this.#log?.info(line) };
    return Changer.use(installation, changer, access, work);
  }

  #perform<P extends Plan>(
    decide: (elements: LibraryElements) => P,
    options: { eject: boolean } = { eject: true },
  ): Promise<P> {
    const beforeMove = options.eject ? (move: Move) => this.#letGo(move) : undefined;
    return this.#use((changer) => changer.perform(decide, beforeMove));
  }

  /**
   * A drive that we hold open ejects its tape before the robot comes for it, which also takes the key out of it. Any other
   * drive leaves that to the robot, unless the configuration says that the robot cannot do it.
   */
  async #letGo({ from }: Move): Promise<void> {
    const { handle, driveNumber, changer, signal } = this.#options;
    if (!('drive' in from) || from.drive !== driveNumber) return;
    if (handle.isOpen || changer['eject-before-unload']) await handle.use(signal, (tape) => tape.eject());
  }

  async #waitReady(): Promise<void> {
    const { handle, signal } = this.#options;
    await handle.use(signal, (tape) => tape.waitReady({ forMedium: true }, progressOf(this.#log)));
  }
}

async function reportCleaning(tape: TapeDrive, log: WorkLog): Promise<void> {
  const { flags, critical, text } = await tape.alertFlags();
  if (flags.length > 0) log.info(`tape alert flags: ${text}`);
  if (critical.length > 0) {
    throw new FerriteError(
      'operator',
      'critical-alert',
      `after cleaning the drive reports ${critical.join(' | ')}: look at the cleaning cartridge and at the drive`,
    );
  }
  const statistics = await tape.volumeStatistics().catch(() => undefined); // there need be no tape to ask about
  if (statistics?.volumeMounts === undefined) return;
  const mounts = statistics.volumeMounts;
  log.info(`cleaning cartridge: ${mounts} uses, worn ${(mounts * WEAR_PER_CLEANING * 100).toFixed(2)}%`);
}
