/**
 * The way to a drive alone: blocks of 256 KiB through the host's `Drive` and the emulated target into a medium in memory, on one
 * thread, and what a command costs that moves nothing. An example of the emulator's crate measures it.
 */
import { resolve } from 'node:path';
import { run } from './measure.ts';

const PROGRAM = resolve(import.meta.dirname, '../../../target/release/examples/drive_speed');
const MEBIBYTES = 1024;

export interface DriveFigures {
  /** Into memory that was written before, GB/s. */
  writeGigabytesPerSecond: number;
  readGigabytesPerSecond: number;
  /** Through the locks of a library that processes share, on tmpfs. */
  libraryWriteGigabytesPerSecond: number;
  /** Microseconds of a command without data. */
  microsPerCommand: number;
  libraryMicrosPerCommand: number;
}

export async function measureDrivePath(memoryFolder: string): Promise<DriveFigures> {
  const { output } = await run(PROGRAM, [memoryFolder, String(MEBIBYTES)]);
  return driveFigures(output);
}

/** The best of the program's runs each: others only ever slow it down. */
export function driveFigures(output: string): DriveFigures {
  const figures = (name: string, unit: string): number[] => {
    const lines = output.matchAll(new RegExp(`^${name} +([\\d.]+) ${unit}`, 'gm'));
    return [...lines].map((match) => Number(match[1]));
  };
  const fastest = (name: string): number => Math.max(...figures(name, 'GB/s'));
  const shortest = (name: string): number => Math.min(...figures(name, 'us per command'));
  return {
    writeGigabytesPerSecond: fastest('cartridge in memory, write'),
    readGigabytesPerSecond: fastest('cartridge in memory, read'),
    libraryWriteGigabytesPerSecond: fastest('library, write'),
    microsPerCommand: shortest('cartridge in memory, READ POSITION'),
    libraryMicrosPerCommand: shortest('library, READ POSITION'),
  };
}
