/** `pmtx`: control of one tape library, without the database. */
import type { Program } from '../grammar/program.ts';
import { packageVersion } from '../main.ts';
import { commands } from './commands.ts';

export const program: Program = {
  name: 'pmtx',
  version: packageVersion,
  commands,
  descriptions: async () => (await import('../generated/pmtx.ts')).commands,
  keyOrder: 'declared',
  commonOptions: ['changer', 'device', 'output-format', 'trace-scsi'],
  completers: async () => (await import('./completers.ts')).completers,
};
