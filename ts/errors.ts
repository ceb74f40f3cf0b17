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
 * Errors of the Rust core are plain `Error`s that carry the same `code` and `kind`; `toFerriteError` makes them ours.
 * Programmer errors have neither and reach the user as internal errors with a stack.
 */
const ERROR_KINDS = ['usage', 'operator', 'data', 'system', 'aborted'] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

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

/** Errors of the operating system as Node reports them: `ENOENT: no such file or directory, open '/x'`. */
function isSystemError(error: Error): error is NodeJS.ErrnoException {
  return 'syscall' in error && 'code' in error;
}

/** Any thrown value as a FerriteError. Programmer errors become `internal` and keep their stack as the cause's. */
export function toFerriteError(error: unknown): FerriteError {
  if (error instanceof FerriteError) return error;
  if (!(error instanceof Error)) return new FerriteError('system', 'internal', `internal error: ${String(error)}`);
  const { kind, code } = error as { kind?: unknown; code?: unknown };
  const known = ERROR_KINDS.find((candidate) => candidate === kind);
  if (known) return new FerriteError(known, String(code), error.message, { cause: error });
  if (isSystemError(error)) return new FerriteError('system', String(code), error.message, { cause: error });
  if (error.name === 'AbortError') return new FerriteError('aborted', 'aborted', 'aborted', { cause: error });
  return new FerriteError('system', 'internal', `internal error: ${error.message}`, { cause: error });
}
