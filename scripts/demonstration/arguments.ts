/** What `scripts/demo` was asked for. */
import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { FerriteError } from '../../ts/errors.ts';

/** A folder every machine has, with programs, links and a size worth a few tapes. */
const DEFAULT_SOURCE = '/usr/bin';

export interface DemoArguments {
  /** Folder to back up. */
  source: string;
  /** Where everything that the demonstration makes goes. */
  work: string;
}

export function demoArguments(argv: readonly string[], from: string, now: Date): DemoArguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { work: { type: 'string' } },
  });
  if (positionals.length > 1)
    throw new FerriteError('usage', 'bad-parameter', 'usage: scripts/demo [DIR] [--work FOLDER]');
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-');
  const source = resolve(from, positionals[0] ?? DEFAULT_SOURCE);
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) {
    throw new FerriteError('usage', 'bad-parameter', `${source} is not a folder`);
  }
  return { source: realpathSync(source), work: resolve(from, values.work ?? `/var/tmp/ferrite-demo-${stamp}`) };
}
