/** Commands in this process and in a root of their own: as the built tools, without the time that starting them takes. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program as pmt } from '../../ts/cli/pmt/program.ts';
import { program as pmtx } from '../../ts/cli/pmtx/program.ts';
import { program as proxmoxTape } from '../../ts/cli/proxmox-tape/program.ts';
import { InstallationPaths } from '../../ts/config/paths.ts';
import { type Outcome, runIn } from './run.ts';

const PROGRAMS = { 'proxmox-tape': proxmoxTape, pmt, pmtx };

export class InProcess {
  readonly root: string;
  readonly paths: InstallationPaths;

  constructor() {
    this.root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ferrite-commands-'));
    this.paths = new InstallationPaths(this.root);
  }

  /** For `test.after.always`. */
  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  tool(name: keyof typeof PROGRAMS, words: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return runIn(PROGRAMS[name], words, { env: { PROXMOX_TAPE_ROOT: this.root, TZ: 'UTC', ...env } });
  }

  run(...words: string[]): Promise<Outcome> {
    return this.tool('proxmox-tape', words);
  }

  /** Runs a command that has to succeed; resolves with what it printed. */
  async ok(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...words);
    if (code !== 0) throw new Error(`${words.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** As `ok`, with the result as JSON. */
  async json<Value>(...words: string[]): Promise<Value> {
    return JSON.parse(await this.ok(...words, '--output-format', 'json')) as Value;
  }

  /** Runs a command that has to fail; resolves with what it said on stderr. */
  async fails(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...words);
    if (code !== 255) throw new Error(`${words.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
    return stderr;
  }
}
