/**
 * A command at a terminal: script(1) gives it one, and what is typed here arrives as if from a keyboard. What the terminal
 * shows is stdout and stderr of the command together.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../ts/cli/proxmox-tape/main.js');

export class Terminal {
  shown = '';
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #watchers: (() => void)[] = [];

  /** `line` is for a shell; `$PT` in it is the command. */
  constructor(root: string, line: string) {
    const env = {
      PATH: process.env.PATH ?? '',
      LANG: 'C.UTF-8',
      TZ: 'UTC',
      SHELL: '/bin/sh',
      PROXMOX_TAPE_ROOT: root,
      PT: `${process.execPath} ${MAIN}`,
    };
    this.#child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], { env });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.shown += text;
      for (const look of this.#watchers) look();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', resolve);
    });
  }

  /** Resolves when the terminal has shown this; rejects when the command ends before. */
  async sees(text: string): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.shown.includes(text)) resolve();
      };
      this.#watchers.push(look);
      look();
    });
    const end = this.ended.then(() => {
      if (!this.shown.includes(text)) throw new Error(`ended without showing ${text}:\n${this.shown}`);
    });
    await Promise.race([seen, end]);
  }

  type(keys: string | Buffer): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits for a prompt, then types an answer with its Enter. */
  async answer(prompt: string, keys: string): Promise<void> {
    await this.sees(prompt);
    this.type(`${keys}\r`);
  }
}
