/** `pmt`: control of one tape drive, without the database. */
import type { Program } from '../grammar/program.ts';
import { packageVersion } from '../main.ts';

export const program: Program = {
  name: 'pmt',
  version: packageVersion,
  commands: {},
  descriptions: async () => (await import('../generated/pmt.ts')).commands,
  keyOrder: 'declared',
  commonOptions: ['device', 'drive', 'output-format'],
  completers: async () => ({}),
};
