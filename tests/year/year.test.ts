/**
 * The simulated year: two drives, 24 slots, 60 tapes, three pools, an operator who errs. FERRITE_LONG=1 runs 20 seeds;
 * FERRITE_SEED=n replays one, FERRITE_SEEDS=n runs so many.
 */
import test from 'ava';
import { memoryDirectory } from '../temporary_installation.ts';
import { VirtualLibrary } from './hardware.ts';
import { simulateYear } from './year.ts';

const BLOCK = 262_144;
const { FERRITE_SEED, FERRITE_SEEDS, FERRITE_LONG } = process.env;
const count = Number(FERRITE_SEEDS ?? (FERRITE_LONG === '1' ? 20 : 2));
const seeds = FERRITE_SEED ? [Number(FERRITE_SEED)] : Array.from({ length: count }, (_, number) => number + 1);

for (const seed of seeds) {
  test.serial(`a year on virtual tapes, seed ${seed}`, async (t) => {
    t.timeout(600_000);
    const started = performance.now();
    const report = await simulateYear({
      root: memoryDirectory(t),
      seed,
      days: Number(process.env.FERRITE_DAYS ?? 365),
      hardware: (root) => new VirtualLibrary(root, 32 * BLOCK),
    });
    const { problems, mistakes, ...counts } = report;
    t.log(
      `${((performance.now() - started) / 1000).toFixed(1)} s, ${JSON.stringify(counts)}, mistakes: ${mistakes.join('; ')}`,
    );
    t.deepEqual(problems, []);
    t.true(report.jobs > 0);
  });
}
