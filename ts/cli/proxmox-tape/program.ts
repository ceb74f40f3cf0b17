/** `proxmox-tape`: tape backup, its configuration and its media. */
import type { Program } from '../grammar/program.ts';
import { packageVersion } from '../main.ts';
import { commands } from './commands.ts';

export const program: Program = {
  name: 'proxmox-tape',
  version: packageVersion,
  commands,
  descriptions: async () => (await import('../generated/proxmox-tape.ts')).commands,
  keyOrder: 'sorted',
  commonOptions: [],
  completers: async () => (await import('./completers.ts')).completers,
};
