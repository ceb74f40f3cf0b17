/** What the figures were measured on. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  processor: string;
  cores: number;
  memoryBytes: number;
  kernel: string;
  node: string;
  /** Of the checkout. */
  commit: string;
  fileSystems: Record<string, string>;
  /** When the bench began. */
  load: number;
}

const FILE_SYSTEMS = new Map([
  [0xef53, 'ext4'],
  [0x01021994, 'tmpfs'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x2fc12fc1, 'zfs'],
  [0x794c7630, 'overlayfs'],
]);

export function describeMachine(folders: Readonly<Record<string, string>>): Machine {
  const [first] = cpus();
  return {
    processor: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    commit: commit(),
    fileSystems: Object.fromEntries(
      Object.entries(folders).map(([name, folder]) => [name, `${fileSystem(folder)} (${folder})`]),
    ),
    load: loadavg()[0] ?? 0,
  };
}

export function fileSystem(folder: string): string {
  const { type } = statfsSync(folder);
  return FILE_SYSTEMS.get(type) ?? `file system 0x${type.toString(16)}`;
}

export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Memory that programs can have without anything being pushed out that is in use. */
export function availableMemoryBytes(): number {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
