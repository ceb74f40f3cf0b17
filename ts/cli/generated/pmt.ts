import type { CommandDescription } from '../grammar/description.ts';

export const commands: readonly CommandDescription[] = [];
