/** An installation in a temporary directory to run commands in, without the native core: nobody else locks there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { program } from '../../../ts/cli/proxmox-tape/program.ts';
import { InstallationPaths } from '../../../ts/config/paths.ts';
import { type Outcome, type RunOptions, runIn } from '../run.ts';

export class Sandbox {
  readonly root: string;
  readonly paths: InstallationPaths;

  constructor(root: string) {
    this.root = root;
    this.paths = new InstallationPaths(root);
  }

  /** Runs one command line, split at blanks. */
  run(line: string, options: RunOptions = {}): Promise<Outcome> {
    return this.runWords(line.split(' '), options);
  }

  runWords(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return runIn(program, words, {
      ...options,
      env: { PROXMOX_TAPE_ROOT: this.root, ...options.env },
      installation: { acquireLock: async (path) => ({ path, release: () => {} }), zone: 'UTC' },
    });
  }

  /** Runs a command that has to succeed without a word on stderr; resolves with what it printed. */
  async ok(t: ExecutionContext, line: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line);
    t.is(stderr, '', line);
    t.is(code, 0, line);
    return stdout;
  }

  /** Runs a command that has to fail without output; resolves with the first line of what it said. */
  async fails(t: ExecutionContext, line: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line);
    t.is(code, 255, line);
    t.is(stdout, '', line);
    return stderr.split('\n')[0] ?? '';
  }
}

export async function makeSandbox(t: ExecutionContext): Promise<Sandbox> {
  const root = await mkdtemp(join(tmpdir(), 'ferrite-cli-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  return new Sandbox(root);
}
