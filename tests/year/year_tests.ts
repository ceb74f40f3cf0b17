/**
 * Declares the tests of one kind of hardware. By default half a year of one seed; FERRITE_LONG=1 runs ten seeds for a year.
 * FERRITE_SEED=n replays one, FERRITE_SEEDS=n runs so many, FERRITE_DAYS=n ends earlier.
 */
import test from 'ava';
import { memoryDirectory } from '../temporary_installation.ts';
import type { Hardware } from './hardware.ts';
import { simulateYear } from './year.ts';

/** Half of the sets fit on one tape, the others need two. */
export const TAPE_BYTES = 32 * 262_144;

const { FERRITE_SEED, FERRITE_SEEDS, FERRITE_LONG, FERRITE_DAYS } = process.env;
const isLong = FERRITE_LONG === '1';

export function declareYears(name: string, firstSeed: number, hardware: (root: string) => Hardware): void {
  const count = Number(FERRITE_SEEDS ?? (isLong ? 10 : 1));
  const seeds = FERRITE_SEED
    ? [Number(FERRITE_SEED)]
    : Array.from({ length: count }, (_, number) => firstSeed + number);
  const days = Number(FERRITE_DAYS ?? (isLong || FERRITE_SEED || FERRITE_SEEDS ? 365 : 180));
  for (const seed of seeds) {
    test.serial(`${days} days with ${name}, seed ${seed}`, async (t) => {
      t.timeout(600_000);
      const started = performance.now();
      const report = await simulateYear({ root: memoryDirectory(t), seed, days, hardware });
      const { problems, mistakes, ...counts } = report;
      t.log(
        `${((performance.now() - started) / 1000).toFixed(1)} s: ${JSON.stringify(counts)}; ${mistakes.join('; ')}`,
      );
      t.deepEqual(problems, []);
      t.true(report.jobs >= days / 2 && report.restores > 0 && report.restoredSnapshots > 0 && report.tapesReused > 0);
    });
  }
}
