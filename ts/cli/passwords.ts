/**
 * Asks for passwords. Those of keys stay in the Rust core: what is handed on is an object that does not show what it holds.
 * On a terminal nothing of them is shown; without one they are lines of standard input.
 */
import type { Password, PasswordReader } from '../native.ts';
import type { Report } from './report/report.ts';

/** Asks for the next password; with `verify` twice, where a person types it. */
export type AskPassword = (prompt: string, verify?: string) => Promise<Password>;

export const PASSWORD_PROMPT = 'Tape Encryption Key Password: ';
export const VERIFY_PROMPT = 'Verify Password: ';

export function withPasswords<T>(report: Report, work: (ask: AskPassword) => Promise<T>): Promise<T> {
  return withReader(report, (reader) =>
    work((prompt, verify) => reader.read({ prompt, ...(verify !== undefined && { verify }) })),
  );
}

/** Asks once for what another program wants to know. */
export function readSecret(report: Report, prompt: string): Promise<string> {
  return withReader(report, (reader) => reader.readSecret(prompt));
}

/** Signals end the asking and leave the terminal as it was. */
function withReader<T>(report: Report, work: (reader: PasswordReader) => Promise<T>): Promise<T> {
  return report.work(async ({ signal }) => {
    const { PasswordReader } = await import('../native.ts');
    const reader = new PasswordReader();
    const cancel = (): void => reader.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await work(reader);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  });
}

/** Says which password is asked for. */
export function tellHint(report: Report, what: string, hint: string | undefined): void {
  report.info(hint === undefined ? `${what} has no password hint` : `password hint of ${what}: ${hint}`);
}
