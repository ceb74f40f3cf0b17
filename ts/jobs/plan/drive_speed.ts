/**
 * How fast a drive writes and reads here: what its jobs achieved, kept in the cache. Recent jobs count more. Without any the
 * kind of cartridge tells, and for a virtual drive nothing does.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Installation } from '../../config/installation.ts';
import { replaceFile } from '../../config/replace_file.ts';
import { cartridgeKind } from '../../media/cartridge.ts';

export type Direction = 'write' | 'read';

interface Achieved {
  bytes: number;
  seconds: number;
}

type Speeds = Record<string, Partial<Record<Direction, Achieved>>>;

/** Shorter jobs measure the start of the drive, not its speed. */
const MIN_BYTES = 16 << 20;

const speedFile = (installation: Installation): string => join(installation.paths.cacheDir, 'drive-speed.json');

async function readSpeeds(installation: Installation): Promise<Speeds> {
  try {
    const found: unknown = JSON.parse(await readFile(speedFile(installation), 'utf8'));
    return typeof found === 'object' && found !== null ? (found as Speeds) : {};
  } catch {
    return {}; // derived data: none there, or none that can be used
  }
}

/** Notes what a job achieved. Failing to is no failure of the job. */
export async function recordSpeed(
  installation: Installation,
  drive: string,
  direction: Direction,
  { bytes, seconds }: Achieved,
): Promise<void> {
  if (bytes < MIN_BYTES || seconds <= 0) return;
  const speeds = await readSpeeds(installation);
  const before = speeds[drive]?.[direction] ?? { bytes: 0, seconds: 0 };
  const after = { bytes: before.bytes / 2 + bytes, seconds: before.seconds / 2 + seconds };
  const text = JSON.stringify({ ...speeds, [drive]: { ...speeds[drive], [direction]: after } });
  const options = { mode: 0o644, owner: installation.owner };
  await replaceFile(installation, speedFile(installation), text, options).catch(() => undefined);
}

/** Bytes a second; undefined: nobody can tell. `labels`: tapes that the job uses. */
export async function expectedSpeed(
  installation: Installation,
  drive: string,
  direction: Direction,
  labels: readonly string[],
): Promise<number | undefined> {
  const achieved = (await readSpeeds(installation))[drive]?.[direction];
  if (achieved && achieved.bytes > 0 && achieved.seconds > 0) return achieved.bytes / achieved.seconds;
  return labels.flatMap((label) => cartridgeKind(label)?.bytesPerSecond ?? [])[0];
}

/** From the slot into the drive until the tape is ready, and back: what robots and LTO drives take. */
const MOUNT_SECONDS = 150;

/** Seconds for changing tapes; a virtual drive takes none. */
export function mountSeconds(driveType: string, mounts: number): number {
  return driveType === 'virtual' ? 0 : mounts * MOUNT_SECONDS;
}
