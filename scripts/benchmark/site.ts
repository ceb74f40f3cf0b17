/** Installations, tapes and datastores that the measured runs work with; everything goes through the package. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  createDatastore,
  createDrive,
  createPool,
  type Installation,
  importSnapshot,
  labelMedia,
  loadMedia,
  openInstallation,
} from '../../ts/index.ts';
import type { TaskObserver, TaskOutcome, WorkLog } from '../../ts/log.ts';
import { CHUNK_BYTES, type ContentRecipe, ImageContent } from './image.ts';

export const SOURCE = 'source';
export const TARGET = 'target';
export const POOL = 'bench';
const DRIVE = 'bench-drive';

/** Each snapshot is an image of at most this many chunks. */
const SNAPSHOT_CHUNKS = 256;
/** 2024-01-01: the time of the first snapshot. */
const FIRST_TIME = 1_704_067_200;

const signal = new AbortController().signal;
const quietLog: WorkLog = { info() {}, warn() {}, progress() {}, signal };
const quietTask: TaskObserver = { started() {}, line() {}, progress() {}, signal };

async function settled<T>(work: Promise<TaskOutcome<T>>): Promise<T> {
  const { error, value } = await work;
  if (error) throw error;
  return value as T;
}

export interface Stores {
  source: string;
  /** Missing where nothing is restored. */
  target?: string;
}

/** Makes a datastore with its 65,536 folders at `path`. */
export async function makeStore(root: string, name: string, path: string): Promise<Installation> {
  const installation = openInstallation({ root, variables: {} });
  await createDatastore(installation, { name, path });
  return installation;
}

/** Fills the datastore of an installation with snapshots of images. */
export async function importImages(
  installation: Installation,
  recipe: ContentRecipe,
  imageBytes: number,
  folder: string,
): Promise<void> {
  const content = new ImageContent(recipe);
  const chunks = Math.ceil(imageBytes / CHUNK_BYTES);
  const image = join(folder, 'drive.raw');
  for (let first = 0; first < chunks; first += SNAPSHOT_CHUNKS) {
    content.writeImage(image, first, Math.min(chunks, first + SNAPSHOT_CHUNKS));
    const request = { store: SOURCE, group: 'vm/100', time: FIRST_TIME + first, archives: [`drive.img:${image}`] };
    await importSnapshot(installation, request, quietLog);
    rmSync(image);
  }
}

/** A fresh installation with a drive, a pool and a labelled tape, for one backup and what follows it. */
export interface Run {
  root: string;
  tapes: string;
  installation: Installation;
}

export async function prepareRun(folder: string, stores: Stores): Promise<Run> {
  const run = { root: join(folder, 'root'), tapes: join(folder, 'tapes') };
  mkdirSync(run.root, { recursive: true });
  const installation = openInstallation({ root: run.root, variables: {} });
  await createDatastore(installation, { name: SOURCE, path: stores.source });
  if (stores.target !== undefined) await createDatastore(installation, { name: TARGET, path: stores.target });
  const unlimited = Number.MAX_SAFE_INTEGER;
  await createDrive(installation, { type: 'virtual', name: DRIVE, path: run.tapes, 'max-size': unlimited });
  await createPool(installation, { name: POOL, allocation: 'continue', retention: 'keep' });
  await insertTape(installation, 'BENCH', POOL);
  return { ...run, installation };
}

/** Loads the tape of this label, which comes into being by that, and labels it if it is for a pool. */
export async function insertTape(installation: Installation, labelText: string, pool?: string): Promise<void> {
  await settled(loadMedia(installation, { labelText }, quietTask));
  if (pool !== undefined) await settled(labelMedia(installation, { labelText, pool }, quietTask));
}

export function removeRun(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** The files of the virtual tapes. */
export function tapeFiles(run: Run): string[] {
  return readdirSync(run.tapes)
    .filter((name) => name.startsWith('tapefile-'))
    .map((name) => join(run.tapes, name));
}
