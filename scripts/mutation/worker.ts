/**
 * A process with instrumented modules and their tests. Told to `load`, it runs every test once and says which changes each
 * executes; told a change, it runs those tests until one fails.
 */
import { pathToFileURL } from 'node:url';
import type { LoadedTest } from './test_stand_in.ts';

export type Order =
  /** With what is known of the tests from another worker none is run. */
  | { kind: 'load'; tests: readonly string[]; standIn: string; active?: number; known?: readonly Measurement[] }
  | { kind: 'try'; id: number };

export type Answer =
  | {
      kind: 'loaded';
      failed: readonly string[];
      whileLoading: readonly number[];
      /** Of each test, in the order in which they are declared. */
      measured: readonly Measurement[];
    }
  | { kind: 'tried'; id: number; killedBy: string | undefined };

export interface Measurement {
  readonly milliseconds: number;
  /** The changes that it executes. */
  readonly covers: readonly number[];
}

interface Measured {
  readonly test: LoadedTest;
  readonly milliseconds: number;
  readonly covers: ReadonlySet<number>;
}

/** A test that waits for what a change has taken away waits for ever: it gets so many times what it needs without one. */
const PATIENCE = 5;
const LEAST_PATIENCE_MS = 3000;
/** Of tests that were not measured yet, on a machine that does other things as well. */
const FIRST_PATIENCE_MS = 60_000;

let active: number | undefined;
let asked: Set<number> | undefined;
const measured: Measured[] = [];

Object.assign(globalThis, {
  __isMutant: (id: number): boolean => {
    asked?.add(id);
    return id === active;
  },
});

async function passes(test: LoadedTest, patienceMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs);
  });
  try {
    return await Promise.race([test.run().then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

async function load(order: Order & { kind: 'load' }): Promise<Answer> {
  active = order.active;
  const whileLoading = new Set<number>();
  const failed: string[] = [];
  const { loadedTests } = (await import(pathToFileURL(order.standIn).href)) as { loadedTests: LoadedTest[] };
  for (const path of order.tests) {
    const before = loadedTests.length;
    asked = whileLoading;
    await import(pathToFileURL(path).href);
    if (order.known) continue;
    for (const test of loadedTests.slice(before)) {
      const covers = new Set<number>();
      asked = covers;
      const start = performance.now();
      if (!(await passes(test, FIRST_PATIENCE_MS))) failed.push(test.title);
      measured.push({ test, covers, milliseconds: performance.now() - start });
      // A change that is there from the beginning needs one failure.
      if (active !== undefined && failed.length > 0) break;
    }
    if (active !== undefined && failed.length > 0) break;
  }
  asked = undefined;
  for (const [index, { milliseconds, covers }] of (order.known ?? []).entries()) {
    measured.push({ test: loadedTests[index] as LoadedTest, milliseconds, covers: new Set(covers) });
  }
  const measurements = measured.map(({ milliseconds, covers }) => ({ milliseconds, covers: [...covers] }));
  measured.sort((a, b) => a.milliseconds - b.milliseconds);
  return { kind: 'loaded', failed, whileLoading: [...whileLoading], measured: measurements };
}

async function attempt(id: number): Promise<Answer> {
  active = id;
  try {
    for (const { test, covers, milliseconds } of measured) {
      const patienceMs = Math.max(LEAST_PATIENCE_MS, PATIENCE * milliseconds);
      if (covers.has(id) && !(await passes(test, patienceMs))) return { kind: 'tried', id, killedBy: test.title };
    }
    return { kind: 'tried', id, killedBy: undefined };
  } finally {
    active = undefined;
  }
}

// What a change does to work that nobody waits for any more is no concern of the next one.
process.on('unhandledRejection', () => {});
process.on('uncaughtException', () => {});
process.on('message', (order: Order) => {
  const answer = order.kind === 'load' ? load(order) : attempt(order.id);
  answer.then(
    (value) => process.send?.(value),
    (error) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
