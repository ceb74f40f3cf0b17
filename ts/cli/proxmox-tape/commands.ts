/** The words of every command, and the module that declares it: the folders below this one mirror the words. */
import type { CommandIndex } from '../grammar/tree.ts';

export const commands: CommandIndex = {};
