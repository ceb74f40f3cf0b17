/** Whether a Proxmox Backup Server is installed below the root: then some files are its own. */
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Installation } from './installation.ts';

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Folders of libraries, among them the one named by the machine's architecture. */
async function libraryFolders(root: string): Promise<string[]> {
  const lib = join(root, 'usr/lib');
  const names = await readdir(lib).catch(() => []);
  return [lib, ...names.filter((name) => name.endsWith('-linux-gnu')).map((name) => join(lib, name))];
}

export async function isPbsInstalled(installation: Installation): Promise<boolean> {
  if (await exists(join(installation.root, 'usr/sbin/proxmox-backup-manager'))) return true;
  for (const folder of await libraryFolders(installation.root)) {
    if (await exists(join(folder, 'proxmox-backup/proxmox-backup-proxy'))) return true;
  }
  return false;
}
