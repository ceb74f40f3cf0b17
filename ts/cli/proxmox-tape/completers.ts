/** Values of parameters, from configuration and inventory: what `bashcomplete` offers. */
import type { Completer } from '../grammar/program.ts';

export const completers: Readonly<Record<string, Completer>> = {};
