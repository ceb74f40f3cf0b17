/**
 * A year of an installation in a second or so per month: jobs by their schedules, a datastore that changes, an operator who
 * errs, and after every job the model's verdict. Everything comes from one seed.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { acquireNativeLock } from '../../ts/config/file_lock.ts';
import { type Installation, openInstallation } from '../../ts/config/installation.ts';
import {
  createJob,
  createPool,
  labelMedia,
  loadMedia,
  type RestoreSummary,
  restore,
  restoreCatalog,
  runBackupJob,
  updateInventory,
  verifySnapshots,
} from '../../ts/index.ts';
import { Scheduler } from '../../ts/jobs/schedule/scheduler.ts';
import type { Operator } from '../../ts/library/operator.ts';
import type { TaskOutcome } from '../../ts/log.ts';
import { RecordingObserver, settled } from '../recording_observer.ts';
import { seededRandom } from '../seeded_random.ts';
import { ChangingStore, differences, makeStore } from './changing_store.ts';
import type { Hardware, Imprint } from './hardware.ts';
import { type InventoryTape, Model, type PoolRule, readInventory } from './model.ts';
import { LibraryOperator } from './operator.ts';

const DAY = 86_400;
const HOUR = 3600;
/** A Friday. */
const FIRST_DAY = Date.UTC(2021, 0, 1) / 1000;
const TAPES = 60;

const POOLS: readonly (PoolRule & { schedule: string })[] = [
  { name: 'daily', allocation: 'daily', retentionDays: 7, schedule: '22:00' },
  { name: 'weekly', allocation: 'weekly', retentionDays: 35, schedule: 'sat 20:00' },
  { name: 'monthly', allocation: 'monthly', retentionDays: undefined, schedule: '*-*-1 18:00' },
];
const HOURS = [18, 20, 22];
/** How likely it is on a day that somebody runs a job by hand, and that the machine is switched off in the evening. */
const BY_HAND = 0.15;
const SWITCHED_OFF = 0.03;

export interface YearOptions {
  readonly root: string;
  readonly seed: number;
  readonly days?: number;
  /** How likely a mistake is on each day. */
  readonly mistakes?: number;
  readonly hardware: (root: string) => Hardware;
}

/** What happened: counts, and everything that must not be. */
export interface YearReport {
  jobs: number;
  failedJobs: number;
  kills: number;
  mistakes: string[];
  restores: number;
  restoredSnapshots: number;
  tapesReused: number;
  problems: string[];
}

export async function simulateYear(options: YearOptions): Promise<YearReport> {
  const year = new Year(options);
  await year.begin();
  await year.run(options.days ?? 365);
  return year.report;
}

class Year {
  readonly report: YearReport = {
    jobs: 0,
    failedJobs: 0,
    kills: 0,
    mistakes: [],
    restores: 0,
    restoredSnapshots: 0,
    tapesReused: 0,
    problems: [],
  };
  readonly #root: string;
  readonly #random: () => number;
  readonly #installation: Installation;
  readonly #hardware: Hardware;
  readonly #store: ChangingStore;
  readonly #model = new Model(POOLS);
  readonly #operator: LibraryOperator;
  readonly #labels = Array.from({ length: TAPES }, (_, number) => `T${String(number + 1).padStart(2, '0')}`);
  readonly #mistakeRate: number;
  #now = FIRST_DAY + 7 * HOUR;
  /** What was on each tape when it was looked at last. */
  readonly #imprints = new Map<string, Imprint>();
  /** The set that is physically on each tape. */
  readonly #holds = new Map<string, string>();
  /** Of the jobs that the schedule started last. */
  readonly #outcomes: { job: string; outcome: TaskOutcome<unknown> }[] = [];

  constructor({ root, seed, hardware, mistakes = 0.06 }: YearOptions) {
    this.#root = root;
    this.#random = seededRandom(seed);
    this.#mistakeRate = mistakes;
    this.#installation = openInstallation({
      root,
      variables: {},
      clock: () => this.#now,
      uuid: () => this.#uuid(),
      isSuperUser: false,
      acquireLock: acquireNativeLock,
      zone: 'UTC',
    });
    this.#hardware = hardware(root);
    this.#store = new ChangingStore(this.#installation, root, this.#random);
    this.#operator = new LibraryOperator(this.#installation, this.#hardware, this.#model, this.#random);
  }

  /** Drives, pools, jobs and sixty labelled tapes. */
  async begin(): Promise<void> {
    const installation = this.#installation;
    mkdirSync(join(this.#root, 'scratch'), { recursive: true });
    await this.#hardware.configure(installation);
    const [drive = ''] = this.#hardware.drives;
    await this.#store.create();
    for (const { name, allocation, retentionDays, schedule } of POOLS) {
      await createPool(installation, { name, allocation, retention: retentionDays ? `${retentionDays} days` : 'keep' });
      await createJob(installation, {
        id: `job-${name}`,
        store: 'store1',
        pool: name,
        drive: (name === 'monthly' && this.#hardware.drives[1]) || drive,
        ...(name === 'monthly' && this.#hardware.mailSlots > 0 && { 'export-media-set': true }),
        schedule,
        'notification-mode': 'notification-system',
      });
    }
    for (const [number, label] of this.#labels.entries()) {
      const pool = number < 6 ? 'daily' : number < 10 ? 'weekly' : number < 20 ? 'monthly' : undefined;
      await this.#hardware.make(label);
      await this.#hardware.insert(label);
      this.#now++;
      await settled(loadMedia(installation, { labelText: label, drive }, new RecordingObserver()));
      await settled(labelMedia(installation, { labelText: label, pool, drive }, new RecordingObserver()));
      await this.#hardware.remove(label);
    }
  }

  async run(days: number): Promise<void> {
    const scheduler = this.#scheduler();
    for (let day = 0; day < days; day++) {
      const midnight = FIRST_DAY + day * DAY;
      this.#now = midnight + 8 * HOUR;
      await this.#store.change(this.#now);
      if (this.#random() < this.#mistakeRate) {
        this.report.mistakes.push(`day ${day}: ${await this.#operator.mistake(this.#labels)}`);
      }
      await this.#operator.tidy(POOLS.map(({ name }) => name));
      if (this.#random() < BY_HAND) {
        this.#now += Math.floor(this.#random() * 9.9 * HOUR);
        const job = `job-${this.#operator.pick(POOLS)?.name}`;
        await this.#finish({ job, outcome: await this.#runJob(job) });
      }
      const isOff = this.#random() < SWITCHED_OFF;
      for (const hour of isOff ? [] : HOURS) {
        this.#now = midnight + hour * HOUR;
        if (hour === 22 && this.#random() < this.#mistakeRate / 3) await this.#kill('job-daily');
        await scheduler.tick();
        await scheduler.idle();
        for (const outcome of this.#outcomes.splice(0)) await this.#finish(outcome);
      }
      if (day % 30 === 29) await this.#restoreSome(day);
      if (day === days - 20) await this.#loseEverything();
      if (this.report.problems.length > 0) {
        this.report.problems = this.report.problems.map((problem) => `day ${day}: ${problem}`);
        return;
      }
    }
  }

  #uuid(): string {
    const hex = Array.from({ length: 32 }, () => Math.floor(this.#random() * 16).toString(16)).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  #scheduler(): Scheduler {
    const say = { info: () => {}, warn: (line: string) => void this.#lines.push(line) };
    return new Scheduler(
      this.#installation,
      async ({ id }) => {
        const outcome = await this.#runJob(id);
        this.#outcomes.push({ job: id, outcome });
        return outcome;
      },
      say,
    );
  }

  readonly #lines: string[] = [];

  async #runJob(id: string): Promise<TaskOutcome<unknown>> {
    const outcome = await runBackupJob(this.#installation, id, new RecordingObserver(), { scheduled: true });
    this.report.jobs++;
    const summary = outcome.value;
    await this.#check(summary?.mediaSetUuid, summary?.written ?? [], `${id}: ${outcome.status}`);
    return outcome;
  }

  /** A job that failed is looked into by the operator, and run again. */
  async #finish({ job, outcome }: { job: string; outcome: TaskOutcome<unknown> }): Promise<void> {
    let { status, error } = outcome;
    for (let attempt = 0; error && attempt < 4; attempt++) {
      this.report.failedJobs++;
      this.#nameBroken(status);
      const label = /tape '([A-Z0-9]+)'|wanted is '([A-Z0-9]+)'|loaded as '([A-Z0-9]+)'/.exec(status);
      const named = label?.slice(1).filter((text) => text !== undefined) ?? [];
      let helped = false;
      for (const text of named) helped ||= await this.#operator.correctBarcodes(text);
      for (const text of [...this.#operator.swapped.keys()].filter((swapped) => status.includes(`'${swapped}'`))) {
        helped ||= await this.#operator.correctBarcodes(text);
      }
      if (!helped && error.code === 'no-media') {
        await this.#operator.tidy([job.replace('job-', '')], true);
        helped = true;
      }
      if (!helped && error.code === 'no-free-slot') {
        helped = (await this.#operator.emptyMailSlots()) || (await this.#operator.makeRoom());
      }
      if (!helped) break;
      this.#now += 60;
      ({ status, error } = await this.#runJob(job));
    }
    if (error) this.report.problems.push(`${job} ended with an error that nobody could help: ${error.message}`);
  }

  #nameBroken(text: string): void {
    for (const label of this.#model.broken) if (text.includes(`'${label}'`)) this.#model.named.add(label);
  }

  /** The job as a process of its own, killed at some moment of its short life. */
  async #kill(id: string): Promise<void> {
    const worker = join(import.meta.dirname, 'job_worker.js');
    const child = spawn(process.execPath, [worker, this.#root, String(this.#now), id], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = new Promise((resolve) => child.on('close', resolve));
    await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
    await new Promise((resolve) => setTimeout(resolve, this.#random() * 150));
    child.kill('SIGKILL');
    await ended;
    this.report.kills++;
    await this.#check(undefined, [], 'a killed job', false);
    // Its run counts: the schedule does not start it again before tomorrow, so a person does.
    this.#now += 600;
    await this.#finish({ job: id, outcome: await this.#runJob(id) });
  }

  // ------------------------------------------------------------ the model's verdict

  #tapes(): InventoryTape[] {
    return readInventory(this.#installation.paths.inventoryFile);
  }

  async #check(
    setUuid: string | undefined,
    written: readonly string[],
    what: string,
    hasAskedLibrary = true,
  ): Promise<void> {
    const { problems } = this.report;
    const say = (problem: string): void => void problems.push(`after ${what}: ${problem}`);
    const tapes = this.#tapes();
    this.#model.observe(tapes);
    if (setUuid !== undefined) this.#model.promised(setUuid, written);
    await this.#checkOverwritten(tapes, say);
    this.#model.checkNumbers(tapes, this.#now).forEach(say);
    if (hasAskedLibrary) await this.#checkPlaces(tapes, say);
    if (setUuid !== undefined) await this.#checkSet(setUuid, say);
  }

  async #checkOverwritten(tapes: readonly InventoryTape[], say: (problem: string) => void): Promise<void> {
    for (const label of this.#labels) {
      // What carries the barcode of another tape is that tape.
      const tape = this.#operator.swapped.get(label) ?? label;
      const fresh = await this.#hardware.imprint(label);
      const old = this.#imprints.get(tape);
      this.#imprints.set(tape, fresh);
      if (fresh.digest === old?.digest && fresh.files >= old.files) continue;
      const before = this.#holds.get(tape);
      const after = tapes.find(({ labelText }) => labelText === tape)?.set?.uuid;
      if (after === undefined) this.#holds.delete(tape);
      else this.#holds.set(tape, after);
      if (before === undefined || before === after) continue;
      this.report.tapesReused++;
      const until = this.#model.protectedUntil(before);
      if (this.#now < until) {
        say(
          `tape '${tape}' was overwritten ${((until - this.#now) / DAY).toFixed(2)} days before set ${before} was free`,
        );
      }
      this.#model.broken.delete(tape); // what was broken on it is gone
    }
  }

  async #checkPlaces(tapes: readonly InventoryTape[], say: (problem: string) => void): Promise<void> {
    const inside = await this.#hardware.contents();
    const texts = tapes.map(({ labelText }) => labelText);
    if (new Set(texts).size !== texts.length) say('a tape is in the inventory twice');
    for (const { labelText, location } of tapes) {
      const place = inside.get(labelText);
      const isOnline = location === `online-${this.#hardware.changer}`;
      if (isOnline !== (place === 'slot' || place === 'drive')) {
        say(`tape '${labelText}' is in the ${place ?? 'room'}, and the inventory says ${location}`);
      }
    }
  }

  async #checkSet(setUuid: string, say: (problem: string) => void): Promise<void> {
    const chunksOf = (snapshot: string): readonly string[] => this.#store.chunks.get(snapshot) ?? [];
    const { statusDir } = this.#installation.paths;
    const problems = await this.#model.checkRestorable(
      setUuid,
      this.#tapes(),
      statusDir,
      chunksOf,
      join(this.#root, 'scratch'),
    );
    problems.forEach(say);
  }

  // ------------------------------------------------------------ restores

  /** A protected set comes back, byte for byte; what is broken is named. */
  async #restoreSome(day: number): Promise<void> {
    const { uuid } =
      this.#operator.pick(this.#model.protectedSets(this.#now).filter(({ snapshots }) => snapshots.size > 0)) ?? {};
    if (uuid === undefined) return;
    const set = this.#model.sets.get(uuid);
    const broken = [...(set?.members.values() ?? [])].filter((label) => this.#model.broken.has(label));
    const { outcome, observer, target } = await this.#restore(uuid, `target-${day}`);
    const said = [outcome.status, outcome.error?.message ?? '', ...observer.lines].join('\n');
    const complaints = this.#compare([...(set?.snapshots ?? [])], target);
    if (complaints.length === 0 && !outcome.error) this.report.restoredSnapshots += set?.snapshots.size ?? 0;
    else if (broken.length === 0) {
      this.report.problems.push(`restore of set ${uuid}: ${outcome.status}; not as it was: ${complaints.join(', ')}`);
    } else if (!outcome.error) {
      this.report.problems.push(`restore of set ${uuid} said it went well; not as it was: ${complaints.join(', ')}`);
    } else if (!broken.some((label) => said.includes(`'${label}'`))) {
      this.report.problems.push(`restore of set ${uuid} did not name any of ${broken}: ${outcome.status}`);
    }
    rmSync(target, { recursive: true, force: true });
  }

  async #restore(uuid: string, name: string) {
    const target = join(this.#root, name);
    await makeStore(this.#installation, name, target);
    const folders = readdirSync(join(this.#store.path, '.chunks'));
    for (const folder of folders) mkdirSync(join(target, '.chunks', folder), { recursive: true });
    const observer = new RecordingObserver();
    const [drive = ''] = this.#hardware.drives;
    const parameters = { mediaSet: uuid, store: name, drive, operator: this.#bringing(observer) };
    const outcome: TaskOutcome<RestoreSummary> = await restore(this.#installation, parameters, observer);
    this.report.restores++;
    if (!outcome.error) {
      const { errors } = await verifySnapshots(this.#installation, { store: name }, new RecordingObserver());
      for (const { message } of errors) this.report.problems.push(`restored, and damaged: ${message}`);
    }
    return { outcome, observer, target };
  }

  /** Brings what is asked for, looks at barcodes when told that a tape is another one, and gives up on what is lost. */
  #bringing(observer: RecordingObserver): Operator {
    const asked: string[] = [];
    let pauses = 0;
    return {
      waits: true,
      ask: (request) => {
        if (request.kind === 'insert-tape') asked.push(request.labelText);
        if (request.kind === 'insert-tape') observer.lines.push(`asked for '${request.labelText}'`);
      },
      pause: async () => {
        const label = asked.at(-1) ?? '';
        const found = (await this.#operator.correctBarcodes(label)) || (await this.#operator.bring(label));
        if (!found || ++pauses > 20) observer.abort.abort();
      },
    };
  }

  #compare(snapshots: readonly string[], target: string): string[] {
    return snapshots.flatMap((snapshot) => {
      try {
        return differences(this.#store, target, snapshot);
      } catch (error) {
        return [`${snapshot}: ${String(error)}`];
      }
    });
  }

  /** Inventory and catalogs are lost; the tapes at hand give them back. */
  async #loseEverything(): Promise<void> {
    for (const label of [...this.#operator.swapped.keys()]) await this.#operator.correctBarcodes(label);
    rmSync(this.#installation.paths.statusDir, { recursive: true });
    const [drive = ''] = this.#hardware.drives;
    const atHand = this.#labels.filter((label) => !this.#operator.lost.has(label));
    for (let first = 0; first < atHand.length; first += 20) {
      for (const label of (await this.#hardware.contents()).keys()) await this.#hardware.remove(label);
      const batch = atHand.slice(first, first + 20);
      for (const label of batch) await this.#hardware.insert(label);
      const observer = new RecordingObserver();
      await settled(updateInventory(this.#installation, { drive, all: true }, observer));
      for (const label of batch) {
        await settled(loadMedia(this.#installation, { labelText: label, drive }, new RecordingObserver()));
        const { error } = await restoreCatalog(this.#installation, { drive, force: true }, new RecordingObserver());
        if (error && !this.#model.broken.has(label)) {
          this.report.problems.push(`catalog of '${label}' does not come back: ${error.message}`);
        }
      }
    }
    const tapes = this.#tapes();
    const known = new Set(tapes.map(({ labelText }) => labelText));
    for (const label of atHand) if (!known.has(label)) this.report.problems.push(`tape '${label}' was not found again`);
    for (const { uuid, members } of this.#model.protectedSets(this.#now)) {
      for (const [number, label] of members)
        if (this.#operator.lost.has(label)) this.#model.forgotten.add(`${uuid} ${number}`);
      await this.#checkSet(uuid, (problem) => this.report.problems.push(`after total loss: ${problem}`));
    }
  }
}
