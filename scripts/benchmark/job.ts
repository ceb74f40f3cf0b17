/** One measured run, in a process of its own: `node job.js '{"kind":"backup",...}'`. */
import { type BackupSummary, backup, openInstallation, restore, restoreCatalog } from '../../ts/index.ts';
import type { TaskObserver, TaskOutcome } from '../../ts/log.ts';
import { anonymousBytes } from './measure.ts';
import { POOL, SOURCE, TARGET } from './site.ts';

export type Job =
  /** Nothing but what every job does first. */
  | { kind: 'start'; root: string }
  | { kind: 'backup'; root: string; verify: 'crc' | 'sha256' }
  | { kind: 'restore'; root: string; mediaSet: string }
  | { kind: 'scan'; root: string };

export interface JobValue {
  mediaSet: string;
  chunks: number;
  /** Anonymous memory when the work was done. */
  anonymousBytes: number;
}

const quiet: TaskObserver = { started() {}, line() {}, progress() {}, signal: new AbortController().signal };

async function settled<T>(work: Promise<TaskOutcome<T>>): Promise<T> {
  const { error, value } = await work;
  if (error) throw error;
  return value as T;
}

async function perform(job: Job): Promise<Omit<JobValue, 'anonymousBytes'>> {
  const installation = openInstallation({ root: job.root, variables: {} });
  switch (job.kind) {
    case 'start':
      return { mediaSet: '', chunks: 0 };
    case 'backup': {
      const request = { store: SOURCE, pool: POOL, verify: job.verify };
      const summary: BackupSummary = await settled(backup(installation, request, quiet));
      return { mediaSet: summary.mediaSetUuid, chunks: summary.chunks };
    }
    case 'restore': {
      const request = { mediaSet: job.mediaSet, store: TARGET };
      const summary = await settled(restore(installation, request, quiet));
      return { mediaSet: job.mediaSet, chunks: summary.chunksRestored };
    }
    case 'scan':
      await settled(restoreCatalog(installation, { scan: true, force: true }, quiet));
      return { mediaSet: '', chunks: 0 };
  }
}

const started = performance.now();
const done = await perform(JSON.parse(process.argv[2] ?? '') as Job);
const wallSeconds = (performance.now() - started) / 1000;
const value: JobValue = { ...done, anonymousBytes: anonymousBytes('self') };
const { userCPUTime, systemCPUTime } = process.resourceUsage();
process.stdout.write(`${JSON.stringify({ wallSeconds, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, value })}\n`);
