/** Ferrite's commands and other people's programs, on the same devices. */
import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Program } from '../../ts/cli/grammar/program.ts';
import { runIn } from '../cli/run.ts';

/** A command that hangs hangs the guest. */
const LIMIT_MS = 60_000;

export type Tool = 'proxmox-tape' | 'pmt' | 'pmtx';

const programs: Record<Tool, () => Promise<Program>> = {
  'proxmox-tape': async () => (await import('../../ts/cli/proxmox-tape/program.ts')).program,
  pmt: async () => (await import('../../ts/cli/pmt/program.ts')).program,
  pmtx: async () => (await import('../../ts/cli/pmtx/program.ts')).program,
};

/** A command of Ferrite, in this process: to start one takes seconds where nothing is fast. Gives what it printed. */
export async function ferrite(tool: Tool, ...words: string[]): Promise<string> {
  const env = { PROXMOX_TAPE_ROOT: process.env.PROXMOX_TAPE_ROOT ?? '', TZ: 'UTC' };
  const { code, stdout, stderr } = await runIn(await programs[tool](), words, { env });
  if (code !== 0) throw new Error(`${tool} ${words.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** The same, with the result as JSON. Tools for devices wrap theirs (`Ok`, `Err`). */
export async function ferriteJson<Value>(tool: Tool, ...words: string[]): Promise<Value> {
  const text = await ferrite(tool, ...words, '--output-format', 'json');
  const value = JSON.parse(text) as Value | { Ok: Value } | { Err: string };
  if (value !== null && typeof value === 'object' && 'Err' in value)
    throw new Error(`${words.join(' ')}: ${value.Err}`);
  return value !== null && typeof value === 'object' && 'Ok' in value ? value.Ok : value;
}

/** A program of somebody else; gives what it printed. */
export function foreign(program: string, ...words: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8', timeout: LIMIT_MS });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: exit code ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** The first group of a pattern in a text. */
export function found(text: string, pattern: RegExp): string {
  const match = pattern.exec(text);
  if (match?.[1] === undefined) throw new Error(`no ${pattern} in\n${text}`);
  return match[1].trim();
}

export interface Scanned {
  path: string;
  vendor: string;
  model: string;
  serial: string;
}

export interface Devices {
  /** As `drive scan` lists them. */
  drives: Scanned[];
  changer: Scanned;
}

export async function scan(): Promise<Devices> {
  const drives = await ferriteJson<Scanned[]>('proxmox-tape', 'drive', 'scan');
  const [changer] = await ferriteJson<Scanned[]>('proxmox-tape', 'changer', 'scan');
  if (!changer) throw new Error('no changer found');
  return { drives, changer };
}

/** `/dev/sg1` for a link to it. */
export const node = (path: string): string => realpathSync(path);

/** `/dev/nst0` of a generic node. */
export function tapeNode(path: string): string {
  const generic = basename(node(path));
  const device = realpathSync(`/sys/class/scsi_generic/${generic}/device/scsi_tape`);
  const name = foreign('ls', device)
    .split('\n')
    .find((entry) => /^nst\d+$/.test(entry));
  if (!name) throw new Error(`${path} has no tape node`);
  return `/dev/${name}`;
}

/** What the kernel itself keeps of a device. */
export function kernelText(path: string, attribute: string): string {
  return readFileSync(`/sys/class/scsi_generic/${basename(node(path))}/device/${attribute}`, 'utf8').trim();
}
