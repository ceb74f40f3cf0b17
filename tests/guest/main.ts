/**
 * What Ferrite says and does on real nodes. Run by scripts/guest-inside/checks, with an emulated library of two drives behind
 * the nodes. One process, no test runner: everything is slow there.
 */

import type { Devices } from './devices.ts';
import { scan } from './devices.ts';
import { describeDrive } from './drive_facts.ts';
import { describeLibrary } from './library_facts.ts';
import { loseDrives } from './vanishing_drive.ts';
import { runJobs } from './whole_library.ts';
import { protectTapes } from './worm_tape.ts';

export type Check = readonly [name: string, run: (devices: Devices) => Promise<void>];

const checks: readonly Check[] = [...describeLibrary, ...describeDrive, ...runJobs, ...protectTapes, ...loseDrives];

let failed = 0;
const devices = await scan();
for (const [name, run] of checks) {
  const start = performance.now();
  let result = 'ok     ';
  let why = '';
  try {
    await run(devices);
  } catch (error) {
    failed += 1;
    result = 'FAILED ';
    why = `\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`${result} ${name} (${seconds} s)${why}\n`);
}
process.stdout.write(`commands: ${checks.length} checks, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
