/**
 * Errors that Ferrite shows its users.
 *
 * Policy: a message says what failed, on which object (tape label, drive, file number, path, config line), and what to do
 * next where there is something to do. `code` is stable and never reused; `kind` decides exit code and retry:
 *
 * - `usage`     the request itself is wrong (parameters, unknown names): nothing was touched
 * - `operator`  a person has to act (wrong tape, no tape, no usable media, drive busy)
 * - `data`      what was read is damaged or foreign
 * - `system`    the machine refused (I/O error, permission, disk full)
 * - `aborted`   the user or a signal stopped the work
 *
 * Programmer errors are plain `Error`s and reach the user as internal errors with a stack.
 */
export type ErrorKind = 'usage' | 'operator' | 'data' | 'system' | 'aborted';

export class FerriteError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'FerriteError';
    this.kind = kind;
    this.code = code;
  }
}
