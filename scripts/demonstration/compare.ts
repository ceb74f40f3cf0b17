/** Every file as it was at the source and as it came back, with the tapes that it was read from. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { extractArchive, type Installation } from '../../ts/index.ts';
import { archiveContents } from '../../ts/jobs/datastore/snapshot_contents.ts';
import type { Narrator } from './narrator.ts';
import { digestFile, type SourceFile } from './source_files.ts';

export interface ComparedFile {
  snapshot: string;
  archive: string;
  path: string;
  size: number;
  /** Digest at the source, before the backup. */
  sha256AtSource: string;
  /** Digest after the restore; null: the file did not come back. */
  sha256AfterRestore: string | null;
  /** Labels of the tapes that hold its content. */
  tapes: string[];
}

/** What one snapshot was made of. */
export interface SourceSnapshot {
  /** As on tape. */
  snapshot: string;
  tree: readonly SourceFile[];
  image: SourceFile;
  config: SourceFile;
  /** Label of the tape with the snapshot's own archive, which holds its config file. */
  tape: string;
}

export interface CompareRequest {
  installation: Installation;
  /** Restored datastore. */
  store: string;
  /** Datastore that went to tape. */
  sourceStore: string;
  mediaSet: string;
  /** Media UUID to label. */
  labels: ReadonlyMap<string, string>;
  /** For extracted files; removed again. */
  scratch: string;
}

export async function compareSnapshot(
  request: CompareRequest,
  source: SourceSnapshot,
  narrator: Narrator,
): Promise<ComparedFile[]> {
  const { snapshot } = source;
  return [
    ...(await compareArchive(request, snapshot, 'root.pxar.didx', source.tree, narrator)),
    ...(await compareArchive(
      request,
      snapshot,
      'disk.img.fidx',
      [{ ...source.image, path: 'disk.img.fidx' }],
      narrator,
    )),
    await compareConfig(request, source, narrator),
  ];
}

async function compareArchive(
  request: CompareRequest,
  snapshot: string,
  archive: string,
  originals: readonly SourceFile[],
  narrator: Narrator,
): Promise<ComparedFile[]> {
  const { installation, store, sourceStore, mediaSet, labels } = request;
  const contents = await archiveContents(installation, { store, snapshot, archive, mediaSet, sourceStore }, narrator);
  const restored = new Map(contents.map((file) => [file.path, file]));
  return originals.map(({ path, size, sha256 }) => {
    const found = restored.get(path);
    const tapes = (found?.media ?? []).map((uuid) => labels.get(uuid) ?? uuid);
    const after = found?.sha256 ?? null;
    return { snapshot, archive, path, size, sha256AtSource: sha256, sha256AfterRestore: after, tapes };
  });
}

async function compareConfig(
  { installation, store, scratch }: CompareRequest,
  { snapshot, config, tape }: SourceSnapshot,
  narrator: Narrator,
): Promise<ComparedFile> {
  const archive = 'demo.conf.blob';
  const target = join(scratch, 'demo.conf');
  await rm(target, { force: true });
  await extractArchive(installation, { store, snapshot, archive, target }, narrator);
  const { path, size, sha256 } = config;
  const sha256AfterRestore = await digestFile(target);
  await rm(target);
  return { snapshot, archive, path, size, sha256AtSource: sha256, sha256AfterRestore, tapes: [tape] };
}
