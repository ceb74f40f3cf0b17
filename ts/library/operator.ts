/**
 * The person at the library, as jobs see him: asked to insert a tape, to clean a drive, to take tapes out. Jobs hand one in
 * with the drive (`DriveAccess.operator`); how a request reaches a person is decided where jobs are put together.
 */
import type { WorkLog } from '../log.ts';

export type OperatorRequest =
  | {
      readonly kind: 'insert-tape';
      readonly drive: string;
      /** The library into which the tape belongs; undefined: it goes into the drive itself. */
      readonly changer: string | undefined;
      readonly labelText: string;
      /** Why the tape is not there, or why what is there will not do. */
      readonly reason: string;
    }
  | {
      readonly kind: 'clean-drive';
      readonly drive: string;
      readonly changer: string | undefined;
      readonly reason: string;
      /** What to do about it. */
      readonly advice: string;
    }
  | {
      readonly kind: 'take-out';
      readonly drive: string;
      readonly changer: string | undefined;
      readonly mediaSetUuid: string;
      readonly mediaSetName?: string;
      readonly tapes: readonly { readonly labelText: string; readonly slot?: number }[];
    };

export interface Operator {
  /** Whether jobs wait for what they asked for; else they fail, and say so in their result. */
  readonly waits: boolean;
  /** For the log: how somebody who watches can end the wait. */
  readonly howToStop?: string;
  /** Passes a request on. Never rejects and does not wait for delivery: what cannot be delivered is a warning in `log`. */
  ask(request: OperatorRequest, log: WorkLog): void;
  /** Resolves after so many seconds; rejects at once when the signal is aborted. */
  pause(seconds: number, signal: AbortSignal): Promise<void>;
}

/** Nobody is there: requests are failures. */
export const nobody: Operator = {
  waits: false,
  ask: () => {},
  pause: () => Promise.resolve(),
};

/** A pause by the machine's clock. */
export function pauseOnTimer(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, seconds * 1000);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
