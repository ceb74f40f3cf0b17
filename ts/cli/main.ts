/** From the process to a program and back: words, streams, signals, exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FerriteError } from '../errors.ts';
import { type ProcessEnvironment, type Program, reportFor, runProgram } from './grammar/program.ts';

/** The version of the package this file belongs to; it runs from dist/ts/cli. */
export function packageVersion(): string {
  const manifest = readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

export async function main(program: Program): Promise<void> {
  const environment: ProcessEnvironment = {
    words: process.argv.slice(2),
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
  };
  const report = reportFor(program, environment);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') report.readerWentAway();
    else throw new FerriteError('system', 'output', `the output cannot be written: ${error.message}`, { cause: error });
  });
  process.stderr.on('error', () => {}); // nobody is left to tell
  process.on('uncaughtException', (error) => {
    report.fail(error);
    process.exit(report.exitCode);
  });
  await runProgram(program, environment, report);
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  // A device or timer that is still open must not keep a command alive that has said how it ended.
  process.exit(report.exitCode);
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.errored) resolve();
    else stream.write('', () => resolve());
  });
}
