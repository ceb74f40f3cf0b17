/**
 * Exit codes of all three commands (cli.md 1.2, behaviour.md D15, D22).
 *
 * 0 means that everything that was asked for is done; anything else means that something is not. The codes are few on
 * purpose: scripts written for PBS test for 0 and 255. A code that is not in this table means failure.
 */
import { toFerriteError } from '../../errors.ts';

export interface ExitCode {
  readonly code: number;
  readonly meaning: string;
}

export const EXIT_CODES = {
  success: { code: 0, meaning: 'Done. A task may have ended with warnings; its log names them.' },
  hangup: { code: 129, meaning: 'SIGHUP: the task was aborted, what was written before is committed.' },
  interrupted: {
    code: 130,
    meaning: 'Ctrl-C (SIGINT): the task was aborted, what was written before is committed.',
  },
  brokenPipe: { code: 141, meaning: 'The reader of standard output went away before the result was written.' },
  terminated: { code: 143, meaning: 'SIGTERM: the task was aborted, what was written before is committed.' },
  failure: {
    code: 255,
    meaning: 'Wrong command line, runtime error, task ended with an error, or part of what was asked for is not done.',
  },
} as const satisfies Record<string, ExitCode>;

/** The code for work that ended by throwing `error`; signals that abort a task have their own codes. */
export function exitCodeOf(error: unknown): number {
  return toFerriteError(error).kind === 'aborted' ? EXIT_CODES.interrupted.code : EXIT_CODES.failure.code;
}
