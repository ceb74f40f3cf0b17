/**
 * Scenarios of jobs as transcripts (tests/vectors/scenarios/9.11 to 9.14): a site, then steps, most of them command lines
 * that are run as a user runs them, with what they say and how they end.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ExecutionContext } from 'ava';
import { reportFor, runProgram } from '../../ts/cli/grammar/program.ts';
import { program } from '../../ts/cli/proxmox-tape/program.ts';
import type { SignalSource } from '../../ts/cli/report/interrupts.ts';
import { acquireNativeLock, type HeldLock } from '../../ts/config/file_lock.ts';
import { createPool, runBackupJob } from '../../ts/index.ts';
import { lockJob } from '../../ts/jobs/schedule/job_state.ts';
import { Scheduler } from '../../ts/jobs/schedule/scheduler.ts';
import { reserveDrive } from '../../ts/library/drives/drive_state.ts';
import { TapeDrive } from '../../ts/native.ts';
import { tapeFiles } from '../pbs_tapes.ts';
import { RecordingObserver } from '../recording_observer.ts';
import { Site } from './site.ts';

export interface Scenario {
  /** Of the specification's scenarios. */
  id?: string;
  title: string;
  pool?: Record<string, string>;
  /** Labels of tapes for pool1; T1 where not given. */
  tapes?: string[];
  /** Of each tape. */
  blocks?: number;
  stores?: string[];
  /** Whether copies of catalogs fit on their tapes, one after the other; the rows that have it run alone. */
  catalogs?: boolean[];
  steps: Step[];
}

interface RunStep {
  /** Words of `proxmox-tape`, or a text that is split at blanks; `SET` is the UUID of the last media set. */
  run: string | string[];
  /** Exit code; 0 where not given. */
  code?: number;
  /** Expressions that match the output, and those that do not. */
  says?: string[];
  omits?: string[];
  /** Done when a line of the output matches, one after the other. */
  when?: { line: string; do: Step }[];
  /** Fields of the entries of a JSON list, or of a JSON object; null: absent. */
  json?: unknown;
}

type Step =
  | RunStep
  | { snapshot: string; day: number; chunks?: string[]; store?: string; blob?: number }
  | { unfinished: string }
  | { remove: string }
  | { write: string; text: string }
  /** A text in a file is replaced. */
  | { edit: string; from: string; to: string }
  | { at: string }
  /** Held until `free`. */
  | { busy: 'drive' | 'job1' }
  | { free: true }
  | { interrupt: true }
  /** Kinds of a tape's files, `...` with what is not whole. */
  | { tape: string; files: string[] }
  | { loaded: string | null }
  | { file: string; is: string | null }
  /** The scheduler looks: the jobs it starts. Their ends are waited for, unless they wait themselves. */
  | { tick: string; starts: string[]; runs?: true }
  | { ended: true }
  | { catalogs: boolean[] };

const epoch = (time: string): number => Date.parse(`${time.replace(' ', 'T')}Z`) / 1000;

/** Calls back with every line; keeps all text. */
class Watched {
  text = '';
  readonly isTTY = false;
  readonly columns = undefined;
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(text: string): void {
    this.text += text;
    for (const line of text.split('\n')) this.#onLine(line);
  }
}

class Signals implements SignalSource {
  readonly #listeners = new Map<NodeJS.Signals, () => void>();

  on(signal: NodeJS.Signals, listener: () => void): void {
    this.#listeners.set(signal, listener);
  }

  off(): void {}

  exit(): never {
    throw new Error('the process would have ended');
  }

  interrupt(): void {
    this.#listeners.get('SIGINT')?.();
  }
}

export class ScenarioRun {
  readonly #t: ExecutionContext;
  readonly #site: Site;
  readonly #signals = new Signals();
  readonly #scheduler: Scheduler;
  readonly #scheduled = new RecordingObserver();
  #held: HeldLock | undefined;
  #mediaSet = '';

  private constructor(t: ExecutionContext, site: Site) {
    this.#t = t;
    this.#site = site;
    const { installation } = site;
    const say = (line: string): void => this.#scheduled.info(line);
    this.#scheduler = new Scheduler(
      installation,
      ({ id }) => runBackupJob(installation, id, this.#scheduled, { scheduled: true }),
      { info: say, warn: say },
    );
  }

  static async make(t: ExecutionContext, row: Scenario): Promise<ScenarioRun> {
    const { pool, tapes, blocks, stores = ['store1'] } = row;
    const site = await Site.make(t, {
      ...(pool && { pool }),
      ...(tapes && { tapes }),
      ...(blocks !== undefined && { tapeBlocks: blocks }),
    });
    for (const store of stores) if (store !== 'store1') await site.addStore(store);
    await createPool(site.installation, { name: 'pool2' });
    if (row.catalogs) fitCatalogs(t, row.catalogs);
    return new ScenarioRun(t, site);
  }

  async all(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.step(step);
  }

  async step(step: Step): Promise<void> {
    const t = this.#t;
    const site = this.#site;
    if ('run' in step) await this.#run(step);
    else if ('snapshot' in step) {
      const { snapshot, day, chunks = [], store, blob } = step;
      const options = { ...(store && { store }), ...(blob !== undefined && { blobBytes: blob }) };
      await site.addSnapshot(snapshot, day, chunks, options);
    } else if ('at' in step) site.now = epoch(step.at);
    else if ('tick' in step) await this.#tick(step);
    else if ('tape' in step) t.deepEqual(this.#kinds(step.tape), step.files, step.tape);
    else if ('loaded' in step) t.is(site.loaded() ?? null, step.loaded);
    else if ('file' in step) t.is(this.#read(step.file), step.is, step.file);
    else this.#change(step);
    if ('busy' in step) await this.#hold(step.busy);
    if ('catalogs' in step) fitCatalogs(t, step.catalogs);
    if ('ended' in step) await this.#scheduler.idle();
  }

  /** Changes that need no waiting: they can happen while a command runs. */
  #change(step: Step): void {
    const site = this.#site;
    if ('unfinished' in step) mkdirSync(site.path(step.unfinished), { recursive: true });
    else if ('remove' in step) rmSync(site.path(step.remove), { recursive: true });
    else if ('edit' in step) {
      const before = readFileSync(site.path(step.edit), 'utf8');
      this.#t.true(before.includes(step.from), before);
      writeFileSync(site.path(step.edit), before.replace(step.from, step.to));
    } else if ('write' in step) {
      mkdirSync(dirname(site.path(step.write)), { recursive: true });
      writeFileSync(site.path(step.write), step.text);
    } else if ('free' in step) this.#held?.release();
    else if ('interrupt' in step) this.#signals.interrupt();
  }

  async #hold(what: 'drive' | 'job1'): Promise<void> {
    const { installation } = this.#site;
    if (what === 'job1') {
      this.#held = await lockJob(installation, what);
      return;
    }
    const drive = { name: 'vdrive', path: this.#site.path('tapes-vdrive') };
    const reservation = await reserveDrive(installation, drive);
    this.#held = { path: drive.path, release: () => void reservation.release() };
  }

  async #tick(step: { tick: string; starts: string[]; runs?: true }): Promise<void> {
    this.#site.now = epoch(step.tick);
    this.#t.deepEqual(await this.#scheduler.tick(), step.starts, step.tick);
    if (!step.runs) await this.#scheduler.idle();
    // A job that waits is visible as a task from its beginning.
    else for (let looks = 0; looks < 100 && this.#scheduled.upids.length === 0; looks++) await pause(20);
  }

  async #run(step: RunStep): Promise<void> {
    this.#site.now++;
    const given = typeof step.run === 'string' ? step.run.split(' ') : step.run;
    const words = given.map((word) => word.replace('SET', this.#mediaSet));
    const { code, output, stdout } = await this.#command(words, step.when ?? []);
    const t = this.#t;
    const line = words.join(' ');
    t.is(code, step.code ?? 0, `${line}\n${output}`);
    for (const text of step.says ?? []) t.regex(output, new RegExp(text, 'm'), line);
    for (const text of step.omits ?? []) t.notRegex(output, new RegExp(text, 'm'), line);
    if (step.json !== undefined) matches(t, JSON.parse(stdout), step.json, line);
    this.#mediaSet = /^media set uuid: (.*)$/m.exec(output)?.[1] ?? this.#mediaSet;
  }

  async #command(words: readonly string[], when: readonly { line: string; do: Step }[]) {
    const left = [...when];
    const onLine = (line: string): void => {
      const [next] = left;
      if (!next || !new RegExp(next.line).test(line)) return;
      left.shift();
      this.#change(next.do);
    };
    const stdout = new Watched(onLine);
    const stderr = new Watched(onLine);
    const { root } = this.#site.installation;
    const environment = {
      words,
      env: { LANG: 'C.UTF-8', PROXMOX_TAPE_ROOT: root },
      stdout,
      stderr,
      signals: this.#signals,
      installationOptions: {
        zone: 'UTC',
        clock: () => this.#site.now,
        isSuperUser: false,
        // Whoever waits ten seconds for a lock learns at once that it is in vain.
        acquireLock: (path: string, options: Parameters<typeof acquireNativeLock>[1]) =>
          acquireNativeLock(path, { ...options, timeoutMs: 0 }),
      },
    };
    const report = reportFor(program, environment);
    await runProgram(program, environment, report);
    this.#t.deepEqual(left, [], `lines that did not come:\n${stdout.text}${stderr.text}`);
    return { code: report.exitCode, output: stdout.text + stderr.text, stdout: stdout.text };
  }

  #kinds(label: string): string[] {
    return tapeFiles(this.#site.path('tapes-vdrive'), label).map(({ kind, isIncomplete }) =>
      isIncomplete ? `${kind}...` : kind,
    );
  }

  #read(path: string): string | null {
    const file = this.#site.path(path);
    return existsSync(file) ? readFileSync(file, 'utf8') : null;
  }
}

/** The drive meets the end of the medium in some of the next copies of catalogs. */
function fitCatalogs(t: ExecutionContext, fits: readonly boolean[]): void {
  const left = [...fits];
  const { appendCatalog } = TapeDrive.prototype;
  TapeDrive.prototype.appendCatalog = function (plan) {
    return left.shift() === false
      ? Promise.resolve({ complete: false, fileNumber: 0 })
      : appendCatalog.call(this, plan);
  };
  t.teardown(() => {
    TapeDrive.prototype.appendCatalog = appendCatalog;
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Every field that is expected is there; null: it is not. */
function matches(t: ExecutionContext, found: unknown, expected: unknown, what: string): void {
  if (Array.isArray(expected)) {
    t.is((found as unknown[]).length, expected.length, what);
    for (const [index, each] of expected.entries()) matches(t, (found as unknown[])[index], each, what);
  } else if (typeof expected === 'object' && expected !== null) {
    for (const [key, value] of Object.entries(expected)) {
      matches(t, (found as Record<string, unknown>)[key], value, `${what}: ${key}`);
    }
  } else t.is<unknown, unknown>(found ?? null, expected, what);
}
