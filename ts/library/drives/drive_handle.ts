/**
 * The open device of a drive. A job holds it open from its beginning to its end; commands that only move tapes open it for
 * the moment in which the drive itself has to be asked.
 */
import type { Installation } from '../../config/installation.ts';
import { DEFAULT_VIRTUAL_TAPE_BYTES, type DriveConfig } from '../../config/tape_sections.ts';
import { toFerriteError } from '../../errors.ts';
import type { DriveOptions, Environment, TapeDrive } from '../../native.ts';

export interface HandleOptions {
  readonly environment?: Environment | undefined;
  readonly hollow?: boolean | undefined;
}

export class DriveHandle {
  readonly #options: DriveOptions;
  #open: TapeDrive | undefined;

  constructor(installation: Installation, config: DriveConfig, access: HandleOptions) {
    const { environment, hollow } = access;
    this.#options = {
      ...driveOptions(installation, config),
      ...(environment && { environment }),
      ...(hollow && { hollow }),
    };
  }

  /** Whether somebody up the stack has the drive open. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Runs `work` on the open drive, opening it for that where it is not. An abort stops the drive between two commands. */
  async use<T>(signal: AbortSignal | undefined, work: (tape: TapeDrive) => Promise<T>): Promise<T> {
    if (this.#open) return work(this.#open);
    const { TapeDrive } = await import('../../native.ts');
    const tape = await TapeDrive.open(this.#options);
    const abort = (): void => tape.cancel();
    signal?.addEventListener('abort', abort, { once: true });
    this.#open = tape;
    try {
      if (signal?.aborted) throw toFerriteError(signal.reason);
      return await work(tape);
    } finally {
      this.#open = undefined;
      signal?.removeEventListener('abort', abort);
      await tape.close();
    }
  }
}

/** How the Rust core opens the drive of a section. */
export function driveOptions(installation: Installation, config: DriveConfig): DriveOptions {
  const traceScsi = installation.variables.FERRITE_TRACE_SCSI;
  const { name, path, type: kind } = config;
  return {
    kind,
    name,
    path,
    ...(kind === 'virtual' && { maxSize: config['max-size'] ?? DEFAULT_VIRTUAL_TAPE_BYTES }),
    ...(traceScsi && { traceScsi }),
  };
}
