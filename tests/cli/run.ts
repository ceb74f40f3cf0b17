/** Runs programs: in this process with streams in memory, or the built commands as processes of their own. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProcessEnvironment, type Program, reportFor, runProgram } from '../../ts/cli/grammar/program.ts';
import type { SignalSource } from '../../ts/cli/report/interrupts.ts';
import type { Stream } from '../../ts/cli/report/stream.ts';

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class MemoryStream implements Stream {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;

  constructor(terminal?: { columns: number }) {
    this.isTTY = terminal !== undefined;
    this.columns = terminal?.columns;
  }

  write(text: string): void {
    this.text += text;
  }
}

/** Signals that never come. */
export const quiet: SignalSource = { on: () => {}, off: () => {}, exit: () => {} };

export interface RunOptions {
  env?: Record<string, string>;
  /** Of a process of its own. */
  stdin?: string | Buffer;
  terminal?: { columns: number };
  signals?: SignalSource;
  /** Of the installation, for programs that run in this process. */
  installation?: ProcessEnvironment['installationOptions'];
}

export async function runIn(program: Program, words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const stdout = new MemoryStream(options.terminal);
  const stderr = new MemoryStream(options.terminal);
  const environment = {
    words,
    env: { LANG: 'C.UTF-8', ...options.env },
    stdout,
    stderr,
    signals: options.signals ?? quiet,
    ...(options.installation && { installationOptions: options.installation }),
  };
  const report = reportFor(program, environment);
  await runProgram(program, environment, report);
  return { code: report.exitCode, stdout: stdout.text, stderr: stderr.text };
}

const cli = join(import.meta.dirname, '../../ts/cli');

export type Tool = 'proxmox-tape' | 'pmt' | 'pmtx';

/** Words for Node that start the real program. */
export const proxmoxTape: readonly string[] = [join(cli, 'proxmox-tape', 'main.js')];

/** The real thing: the entry point of the package, a process of its own. */
export function runTool(tool: Tool, words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const env = { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', ...options.env };
  const child = spawn(process.execPath, [join(cli, tool, 'main.js'), ...words], { env });
  child.stdin.on('error', () => {}); // a command that does not read its input may be gone already
  child.stdin.end(options.stdin ?? '');
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    outcome.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    outcome.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...outcome, code }));
  });
}

/** The built `proxmox-tape` in a root of its own. */
export class Installed {
  readonly root: string;
  readonly #env: Record<string, string>;

  constructor(root: string) {
    this.root = root;
    this.#env = { PROXMOX_TAPE_ROOT: root, TZ: 'UTC' };
  }

  run(...words: string[]): Promise<Outcome> {
    return runTool('proxmox-tape', words, { env: this.#env });
  }

  /** As `run`, with `input` on standard input. */
  type(input: string | Buffer, ...words: string[]): Promise<Outcome> {
    return runTool('proxmox-tape', words, { env: this.#env, stdin: input });
  }

  /** Runs a command that has to succeed; resolves with what it printed. */
  async ok(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...words);
    if (code !== 0) throw new Error(`${words.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }

  /** As `ok`, with the result as JSON. */
  async json<Value>(...words: string[]): Promise<Value> {
    return JSON.parse(await this.ok(...words, '--output-format', 'json')) as Value;
  }
}

/** For `test.before`; remove it in `test.after.always`. */
export async function install(): Promise<Installed> {
  return new Installed(await mkdtemp(join(tmpdir(), 'ferrite-installed-')));
}
