/** The allocation table of spec/behaviour.md 9.6 through whole write sessions: each row is a job or several. */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import type { MediaSession } from '../../ts/media/location.ts';
import { mediaSetLockPath } from '../../ts/media/media_locks.ts';
import { collectSet } from '../../ts/media/membership.ts';
import { setUsability } from '../../ts/media/usability.ts';
import { WriteSession } from '../../ts/media/write_session.ts';
import { temporaryInstallation } from '../temporary_installation.ts';
import { readVectors } from '../vectors.ts';
import { nameOf, plainCodec, pool, type TapeShorthand, tape, uuidOf } from './tapes.ts';

type Step =
  | { full: string }
  | { damaged: string }
  | { incomplete: string }
  | {
      at: number;
      /** A new job begins. */
      session?: true;
      tape?: string;
      seq?: number;
      source?: string;
      /** Stored status afterwards. */
      stored?: null;
      /** Tape whose catalog was emptied. */
      catalog?: string;
      error?: string;
    };

interface AllocationCase {
  id: string;
  title: string;
  tapes: TapeShorthand[];
  steps: Step[];
  allocation?: string;
  retention?: string;
  session?: MediaSession;
  /** Media sets that a restore holds. */
  locked?: string[];
}

/** Jobs of pool p1 at a clock that the steps set. */
class Jobs {
  private readonly row: AllocationCase;
  private readonly inventory: InventoryFile;
  private readonly installation;
  private readonly catalogs: string[] = [];
  private time = 0;
  private job: WriteSession | undefined;

  constructor(t: ExecutionContext, row: AllocationCase) {
    this.row = row;
    this.installation = temporaryInstallation(t, { clock: () => this.time });
    this.inventory = new InventoryFile(this.installation, async () => plainCodec);
    mkdirSync(this.installation.paths.statusDir, { recursive: true });
    writeFileSync(this.inventory.path, plainCodec.print(row.tapes.map(tape)));
  }

  async lockSets(): Promise<void> {
    for (const name of this.row.locked ?? []) {
      const path = mediaSetLockPath(this.installation.paths.statusDir, uuidOf(name));
      await this.installation.acquireLock(path, { timeoutMs: 0 });
    }
  }

  async run(t: ExecutionContext, step: Step): Promise<void> {
    if ('full' in step) await this.inventory.update((known) => known.withStatus(uuidOf(step.full), 'full'));
    else if ('damaged' in step)
      await this.inventory.update((known) => known.withStatus(uuidOf(step.damaged), 'damaged'));
    else if ('incomplete' in step) await this.expectIncomplete(t, step.incomplete);
    else await this.allocate(t, step);
  }

  private async expectIncomplete(t: ExecutionContext, name: string): Promise<void> {
    const { entries } = await this.inventory.load();
    const set = collectSet(entries, uuidOf(name));
    t.like(setUsability({ pool: pool(), entries, set, session: { kind: 'standalone' } }), { problem: 'incomplete' });
  }

  private async allocate(t: ExecutionContext, step: Extract<Step, { at: number }>): Promise<void> {
    this.time = step.at;
    if (step.session) this.job?.close();
    if (step.session || !this.job) this.job = await this.begin();
    if (step.error !== undefined) {
      await t.throwsAsync(this.job.allocate(), { code: step.error });
      return;
    }
    const allocated = await this.job.allocate();
    const { label, mediaSetLabel, status } = allocated.tape;
    t.is<string | undefined, string | undefined>(label.labelText, step.tape);
    t.is(mediaSetLabel?.uuid as string, this.job.set.uuid);
    if (step.seq !== undefined) t.is(mediaSetLabel?.seqNr, step.seq);
    if (step.source !== undefined) t.is(allocated.source, step.source as never);
    if (allocated.source) t.is(mediaSetLabel?.ctime, step.at);
    if (step.stored === null) t.is(status, undefined);
    if (step.catalog) t.deepEqual(this.catalogs.map(nameOf), [step.catalog]);
  }

  private begin(): Promise<WriteSession> {
    const { allocation, retention, session } = this.row;
    return WriteSession.open({
      installation: this.installation,
      inventory: this.inventory,
      pool: pool({ ...(allocation && { allocation }), ...(retention && { retention }) }),
      session: session ?? { kind: 'standalone' },
      createCatalog: async ({ label }) => void this.catalogs.push(label.uuid),
    });
  }
}

for (const row of readVectors<AllocationCase>('scenarios/9.6-allocation.json')) {
  test(`${row.id} allocation: ${row.title}`, async (t) => {
    const jobs = new Jobs(t, row);
    await jobs.lockSets();
    for (const step of row.steps) await jobs.run(t, step);
  });
}
