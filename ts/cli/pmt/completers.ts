/** Values of parameters of pmt. */
import { driverOptionNames } from '../../library/drives/driver_options.ts';
import type { Completer } from '../grammar/program.ts';
import { completers as all } from '../proxmox-tape/completers.ts';

const pick = (name: string): Completer => all[name] ?? (async () => []);

export const completers: Readonly<Record<string, Completer>> = {
  drive: pick('drive'),
  'drive-path': pick('drive-path'),
  'driver-option': async () => driverOptionNames,
};
