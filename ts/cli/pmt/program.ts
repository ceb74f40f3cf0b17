/** `pmt`: control of one tape drive, without the database. */
import type { Program } from '../grammar/program.ts';
import { packageVersion } from '../main.ts';
import { commands } from './commands.ts';

export const program: Program = {
  name: 'pmt',
  version: packageVersion,
  commands,
  descriptions: async () => (await import('../generated/pmt.ts')).commands,
  keyOrder: 'declared',
  commonOptions: ['device', 'drive', 'output-format', 'trace-scsi'],
  completers: async () => (await import('./completers.ts')).completers,
};
