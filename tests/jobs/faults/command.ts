/** The built `proxmox-tape` as a process that a test watches, interrupts and kills. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../cli/run.ts';

const MAIN = join(import.meta.dirname, '../../../ts/cli/proxmox-tape/main.js');

export class Command {
  readonly ended: Promise<Outcome>;
  readonly #child: ChildProcess;
  readonly #outcome: Outcome = { code: null, stdout: '', stderr: '' };
  #watchers: { pattern: RegExp; found: () => void }[] = [];

  constructor(root: string, words: readonly string[], variables: Readonly<Record<string, string>> = {}) {
    const env = { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', TZ: 'UTC', PROXMOX_TAPE_ROOT: root, ...variables };
    this.#child = spawn(process.execPath, [MAIN, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#outcome[name] += text;
        this.#look();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code) => resolve({ ...this.#outcome, code }));
    });
  }

  /** Resolves when the command has said something that matches, or has ended. */
  async said(pattern: RegExp): Promise<void> {
    const found = new Promise<void>((resolve) => this.#watchers.push({ pattern, found: resolve }));
    this.#look();
    await Promise.race([found, this.ended]);
  }

  /** Resolves when the command has a file of this folder open, or has ended. */
  async opened(folder: string): Promise<void> {
    const isOver = (): boolean => this.#child.exitCode !== null || this.#child.signalCode !== null;
    while (!isOver() && !openFiles(this.#child.pid).some((path) => path.startsWith(folder))) await pause(20);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  #look(): void {
    const { stdout, stderr } = this.#outcome;
    this.#watchers = this.#watchers.filter(({ pattern, found }) => {
      const isThere = pattern.test(stdout) || pattern.test(stderr);
      if (isThere) found();
      return !isThere;
    });
  }
}

function openFiles(pid: number | undefined): string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).map((name) => readlinkSync(join(folder, name)));
  } catch {
    return []; // closed, or gone, while we looked
  }
}

/** Runs a command to its end. */
export function run(root: string, ...words: string[]): Promise<Outcome> {
  return new Command(root, words).ended;
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
