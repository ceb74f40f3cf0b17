/** Values of parameters of pmtx. */
import { listChangers } from '../../config/changers.ts';
import type { Completer } from '../grammar/program.ts';
import { completers as all } from '../proxmox-tape/completers.ts';

export const completers: Readonly<Record<string, Completer>> = {
  changer: async (installation) => (await listChangers(installation)).map(({ name }) => name),
  'changer-path': all['changer-path'] ?? (async () => []),
};
