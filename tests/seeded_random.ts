/** Randomness that can be replayed: a failing test prints its seed, FERRITE_SEED brings it back. */
import type { ExecutionContext } from 'ava';

/** Uniform over [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** With the seed of this run, which the test's log names. */
export function randomOf(t: ExecutionContext): () => number {
  const seed = Number(process.env.FERRITE_SEED ?? Date.now() % 2 ** 31);
  t.log(`FERRITE_SEED=${seed}`);
  return seededRandom(seed);
}
