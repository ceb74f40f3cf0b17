/** See scripts/mutate. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type MutationSite, makeSite, type PlacedMutant, removeSite } from './site.ts';
import type { Answer, Measurement, Order } from './worker.ts';

const checkout = resolve(import.meta.dirname, '../../..');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** So many times what all tests that execute a change take together; a change that ends in a loop without end costs this. */
const STUCK = 5;
const LEAST_STUCK_MS = 20_000;
const LOADING_MS = 120_000;

/** One worker process; a new one is started when it is stuck. */
class Worker {
  readonly #site: MutationSite;
  #child: ChildProcess | undefined;

  constructor(site: MutationSite) {
    this.#site = site;
  }

  /** Loads the tests and runs them once, with a change that is there from the beginning or with none. */
  measure(mutant?: PlacedMutant): Promise<Answer | undefined> {
    const { standIn } = this.#site;
    // Tests that are named after the module notice its changes first.
    const name = basename(mutant?.file ?? '', '.ts');
    const isNamesake = (path: string): number => (mutant && basename(path).startsWith(name) ? 0 : 1);
    const tests = this.#site.tests.toSorted((a, b) => isNamesake(a) - isNamesake(b));
    return this.#load({ kind: 'load', tests, standIn, ...(mutant && { active: mutant.id }) });
  }

  /** Loads the tests only. */
  resume(known: readonly Measurement[]): Promise<Answer | undefined> {
    const { tests, standIn } = this.#site;
    return this.#load({ kind: 'load', tests, standIn, known });
  }

  try(id: number, stuckMs: number): Promise<Answer | undefined> {
    return this.#ask({ kind: 'try', id }, stuckMs);
  }

  stop(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #load(order: Order & { kind: 'load' }): Promise<Answer | undefined> {
    this.stop();
    // In memory: installations of tests are made by the thousand.
    const fixtures = process.env.FERRITE_FIXTURES ?? join(checkout, '../shared/fixtures');
    const env = { ...process.env, FERRITE_FIXTURES: fixtures, TMPDIR: process.env.TMPDIR ?? '/dev/shm' };
    this.#child = fork(join(import.meta.dirname, 'worker.js'), {
      env,
      stdio: ['ignore', 'ignore', order.active === undefined ? 'inherit' : 'ignore', 'ipc'],
    });
    return this.#ask(order, LOADING_MS);
  }

  /** Undefined: stuck, or gone. */
  #ask(order: Order, patienceMs: number): Promise<Answer | undefined> {
    const child = this.#child;
    return new Promise((resolve) => {
      const timer = setTimeout(() => finish(undefined), patienceMs);
      const finish = (answer: Answer | undefined): void => {
        clearTimeout(timer);
        child?.removeAllListeners();
        resolve(answer);
      };
      child?.once('message', (answer: Answer) => finish(answer));
      child?.once('exit', () => finish(undefined));
      child?.send(order);
    });
  }
}

type Fate = 'killed' | 'stuck' | 'survived' | 'not executed';
const isAlive = (fate: Fate): boolean => fate === 'survived' || fate === 'not executed';

/** In the order of the changes. */
async function judge(site: MutationSite): Promise<Map<PlacedMutant, Fate>> {
  const [first, ...others] = Array.from({ length: Math.max(1, availableParallelism()) }, () => new Worker(site));
  const workers = [first as Worker, ...others];
  const fates = new Map<PlacedMutant, Fate>(site.mutants.map((mutant) => [mutant, 'not executed']));
  try {
    const loaded = await first?.measure();
    if (loaded?.kind !== 'loaded') throw new Error('the tests cannot be loaded');
    if (loaded.failed.length > 0) throw new Error(`these tests fail without a change:\n${loaded.failed.join('\n')}`);
    const { measured } = loaded;
    say(`${site.mutants.length} changes, ${measured.length} tests`);
    await Promise.all(others.map((worker) => worker.resume(measured)));
    const whileLoading = new Set(loaded.whileLoading);
    const needed = milliseconds(measured);
    const queue = site.mutants.entries();
    const work = async (worker: Worker): Promise<void> => {
      for (const [index, mutant] of queue) {
        if (index % 200 === 0) process.stderr.write(`${index} of ${site.mutants.length}\n`);
        const time = needed.get(mutant.id);
        if (whileLoading.has(mutant.id)) fates.set(mutant, await fromTheBeginning(site, mutant));
        else if (time !== undefined) fates.set(mutant, await switchedOn(worker, mutant, time, measured));
      }
    };
    await Promise.all(workers.map(work));
    return fates;
  } finally {
    for (const worker of workers) worker.stop();
  }
}

/** What the tests that execute a change take together, by its id. */
function milliseconds(measured: readonly Measurement[]): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  for (const test of measured) {
    for (const id of test.covers) sums.set(id, (sums.get(id) ?? 0) + test.milliseconds);
  }
  return sums;
}

async function switchedOn(
  worker: Worker,
  { id }: PlacedMutant,
  time: number,
  measured: readonly Measurement[],
): Promise<Fate> {
  const answer = await worker.try(id, Math.max(LEAST_STUCK_MS, STUCK * time));
  if (answer?.kind === 'tried') return answer.killedBy === undefined ? 'survived' : 'killed';
  await worker.resume(measured);
  return 'stuck';
}

/** What runs when a module is loaded needs a process of its own. */
async function fromTheBeginning(site: MutationSite, mutant: PlacedMutant): Promise<Fate> {
  const worker = new Worker(site);
  try {
    const answer = await worker.measure(mutant);
    return answer?.kind === 'loaded' && answer.failed.length === 0 ? 'survived' : 'killed';
  } finally {
    worker.stop();
  }
}

function report(fates: ReadonlyMap<PlacedMutant, Fate>, limit: number): boolean {
  const all = [...fates];
  const alive = all.filter(([, fate]) => isAlive(fate));
  for (const [{ file, line, original, operator, replacement }, fate] of alive) {
    say(
      `${file}:${line}: ${fate}: ${operator}: ${original}${replacement === '' ? '' : ` -> ${replacement.replace(/\s+/g, ' ').slice(0, 60)}`}`,
    );
  }
  const byFile = count(all, ({ file }) => file);
  const byRoom = count(all, ({ file }) => file.split('/')[1] ?? '');
  for (const [file, { changes, alive }] of byFile)
    say(`${file.padEnd(32)} ${String(changes).padStart(5)} ${String(alive).padStart(4)}`);
  for (const [room, { changes, alive, percent }] of byRoom)
    say(`${room}: ${changes} changes, ${alive} survive: ${percent.toFixed(1)} % (at most ${limit} %)`);
  mkdirSync(join(checkout, 'artefacts'), { recursive: true });
  const survivors = alive.map(([{ file, line, operator, original }, fate]) => ({
    file,
    line,
    operator,
    original,
    fate,
  }));
  const text = JSON.stringify(
    { rooms: Object.fromEntries(byRoom), files: Object.fromEntries(byFile), survivors },
    null,
    2,
  );
  writeFileSync(join(checkout, 'artefacts/mutation.json'), text);
  return [...byRoom.values()].every(({ percent }) => percent <= limit);
}

interface Count {
  changes: number;
  alive: number;
  percent: number;
}

function count(all: readonly [PlacedMutant, Fate][], keyOf: (mutant: PlacedMutant) => string): Map<string, Count> {
  const counts = new Map<string, Count>();
  for (const [mutant, fate] of all) {
    const { changes, alive } = counts.get(keyOf(mutant)) ?? { changes: 0, alive: 0 };
    const nowAlive = alive + (isAlive(fate) ? 1 : 0);
    counts.set(keyOf(mutant), { changes: changes + 1, alive: nowAlive, percent: (100 * nowAlive) / (changes + 1) });
  }
  return counts;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { file: { type: 'string', default: '' }, limit: { type: 'string', default: '5' } },
});
try {
  const rooms = positionals.length > 0 ? positionals : ['media', 'time'];
  const fates = await judge(makeSite(checkout, rooms, values.file));
  process.exitCode = report(fates, Number(values.limit)) ? 0 : 1;
} finally {
  removeSite(checkout);
}
