/**
 * A SCSI command fails: any one of a backup over two tapes and its restore, on an emulated library, in every way. The job ends
 * with an error or recovers; what it calls done can be read; run again it completes. FERRITE_LONG=1 takes every command and
 * every kind of fault, else a sample.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { addChanger } from '../../../ts/config/changers.ts';
import { addDrive } from '../../../ts/config/drives.ts';
import { labelMedia, loadMedia, mediaContent } from '../../../ts/index.ts';
import { type DeviceFault, DeviceFaults, EmulatedLibrary, Environment } from '../../../ts/native.ts';
import { RecordingObserver, settled } from '../../recording_observer.ts';
import { memoryDirectory } from '../../temporary_installation.ts';
import { Site } from '../site.ts';

type FaultKind = DeviceFault['kind'];

const DRIVE = { drive: 'drive0' };
const TAPES = ['FER001L8', 'FER002L8', 'FER003L8', 'FER004L8'];
const SNAPSHOTS = 6;
const LOUD: readonly FaultKind[] = [
  'aborted',
  'medium-error',
  'hardware-error',
  'position-lost',
  'timeout',
  'device-gone',
];
/** What a device may do wrong without a word, and with which commands. */
const SILENT: Readonly<Record<string, readonly FaultKind[]>> = {
  READ: ['corrupt-data', 'lost-block', 'duplicate-block'],
  WRITE: ['lost-block', 'duplicate-block'],
  'MOVE MEDIUM': ['lying'],
};

/** One library and its state before the job, to which it is put back for every fault. */
class Bench {
  readonly #site: Site;
  readonly #saved: string;

  private constructor(site: Site, saved: string) {
    this.#site = site;
    this.#saved = saved;
  }

  static async make(t: ExecutionContext): Promise<Bench> {
    const site = await Site.make(t, { tapes: [] });
    const { installation } = site;
    const directory = site.path('library');
    const library = await EmulatedLibrary.create(directory, {
      drives: 1,
      slots: 8,
      importExport: 0,
      cartridges: TAPES.length,
      tapeBytes: 4 << 20,
    });
    // What is written after a warning has to fit, as it does on any real tape.
    for (const labelText of TAPES) await library.setEarlyWarning(labelText, 1 << 20);
    await addChanger(installation, { name: 'lib', path: join(directory, 'changer') });
    await addDrive(installation, { type: 'lto', name: 'drive0', path: join(directory, 'drive0'), changer: 'lib' });
    for (const labelText of TAPES) {
      site.now++;
      await settled(loadMedia(installation, { ...DRIVE, labelText }, new RecordingObserver()));
      await settled(labelMedia(installation, { ...DRIVE, labelText, pool: 'pool1' }, new RecordingObserver()));
    }
    for (let number = 0; number < SNAPSHOTS; number++) await site.addSnapshot(`vm/${number}`, 1, [`disk${number}`]);
    await site.addTarget('target');
    await site.addTarget('again');
    const saved = memoryDirectory(t);
    execFileSync('cp', ['-a', `${site.installation.root}/.`, saved]);
    return new Bench(site, saved);
  }

  #putBack(): void {
    const { root } = this.#site.installation;
    rmSync(root, { recursive: true });
    mkdirSync(root);
    execFileSync('cp', ['-a', `${this.#saved}/.`, root]);
  }

  /** The error of the job, or of its restore. */
  async #job(environment: Environment): Promise<Error | undefined> {
    const { outcome } = await this.#site.backup({ ...DRIVE, environment });
    if (outcome.error) return outcome.error;
    return this.#restore('target', environment);
  }

  async #restore(store: string, environment?: Environment): Promise<Error | undefined> {
    const content = await mediaContent(this.#site.installation, {});
    for (const mediaSet of new Set(content.map((entry) => entry['media-set-uuid']))) {
      const { outcome } = await this.#site.restore({ ...DRIVE, mediaSet, store, ...(environment && { environment }) });
      if (outcome.error) return outcome.error;
    }
    return undefined;
  }

  /** Commands of the job. */
  async count(): Promise<number> {
    this.#putBack();
    const plan = new DeviceFaults([]);
    const error = await this.#job(Environment.system().withDeviceFaults(plan));
    if (error) throw error;
    const content = await mediaContent(this.#site.installation, {});
    const tapes = new Set(content.map((entry) => entry['label-text']));
    if (tapes.size !== 2) throw new Error(`a backup on ${tapes.size} tapes`);
    return plan.commands;
  }

  /** What came of a fault; throws where something is claimed that is not so. */
  async run(at: number, kind: FaultKind): Promise<{ command: string | undefined; error: Error | undefined }> {
    this.#putBack();
    const plan = new DeviceFaults([{ at, kind }]);
    const error = await this.#job(Environment.system().withDeviceFaults(plan));
    if (!error) await this.#expectAll('target');
    const again = (await this.#site.backup(DRIVE)).outcome.error;
    if (again) throw new Error(`run again: ${again.message}`, { cause: error });
    const unreadable = await this.#restore('again');
    if (unreadable) throw new Error(`restored afterwards: ${unreadable.message}`, { cause: error });
    await this.#expectAll('again');
    return { command: plan.hits()[0]?.command, error };
  }

  async #expectAll(store: string): Promise<void> {
    const whole = await this.#site.verified(store);
    if (whole !== SNAPSHOTS) throw new Error(`${whole} of ${SNAPSHOTS} snapshots in '${store}'`);
  }
}

test('every command fails once in every way', async (t) => {
  t.timeout(3_600_000);
  const long = process.env.FERRITE_LONG === '1';
  const bench = await Bench.make(t);
  const commands = await bench.count();
  const counts = { planned: 0, hit: 0, recovered: 0, failed: 0 };
  const problems: string[] = [];
  const tryOut = async (at: number, kind: FaultKind): Promise<string | undefined> => {
    counts.planned++;
    try {
      const { command, error } = await bench.run(at, kind);
      if (command === undefined) problems.push(`command ${at} never came (${kind})`);
      else counts.hit++;
      counts[error ? 'failed' : 'recovered']++;
      if (error && error.message.length < 20) problems.push(`command ${at}, ${kind}: '${error.message}' says nothing`);
      return command;
    } catch (error) {
      const { message, cause } = error as Error & { cause?: Error };
      const first = cause ? ` (before: ${cause.message})` : '';
      problems.push(`command ${at}, ${kind}: ${message}${first}`);
      return undefined;
    }
  };
  // A prime, so that the sample does not fall into step with the job's own periods.
  const step = long ? 1 : 29;
  for (let at = 0; at < commands; at += step) {
    const loud = long ? LOUD : [LOUD[(at / step) % LOUD.length] as FaultKind];
    let command: string | undefined;
    for (const kind of loud) command = (await tryOut(at, kind)) ?? command;
    for (const kind of SILENT[command ?? ''] ?? []) await tryOut(at, kind);
  }
  const { planned, hit, recovered, failed } = counts;
  t.log(
    `${commands} commands; faults: ${planned} planned, ${hit} hit, ${recovered} recovered, ${failed} failed with an error, ` +
      `${problems.length} otherwise than they should`,
  );
  t.deepEqual(problems, []);
  t.is(hit, planned);
});
