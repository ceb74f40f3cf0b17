/** Libraries as the rows of tests/vectors/scenarios/9.9-moves.json write them, for pure decisions and for real commands. */
import { type ElementLabel, type LibraryElements, markExportSlots } from '../../ts/library/changers/elements.ts';
import type { Place } from '../../ts/library/changers/moves.ts';
import { readVectors } from '../vectors.ts';

export interface MoveScenario {
  id: string;
  title: string;
  drives: string[];
  slots: string[];
  exportSlots?: string;
  request: { load: string } | { export: string } | { unload: number | null } | { clean: true };
  moves: string[];
  result?: number;
  error?: string;
  message?: string;
  refused?: string;
  onlyDecided?: string;
}

export const moveScenarios = (): readonly MoveScenario[] => readVectors<MoveScenario>('scenarios/9.9-moves.json');

export const SLOTS = 5;

/** `L1<2`: tape L1 that came from slot 2. */
export function parseContent(text: string): { labelText: ElementLabel; loadedSlot?: number } {
  if (text === '') return { labelText: undefined };
  const [label = '', from] = text.split('<');
  return { labelText: label === '?' ? '' : label, ...(from !== undefined && { loadedSlot: Number(from) }) };
}

export function elementsOf({ drives, slots, exportSlots }: MoveScenario): LibraryElements {
  const elements = {
    drives: drives.map((text, number) => ({ ...parseContent(text), address: 0x100 + number })),
    slots: slots.map((text, index) => ({
      labelText: parseContent(text).labelText,
      isImportExport: index + 1 === SLOTS,
      address: 0x400 + index,
    })),
    transports: [{ address: 1 }],
  };
  return markExportSlots(elements, exportSlots);
}

/** `slot 2 -> drive 0` */
export function parseMove(text: string): { from: Place; to: Place } {
  const [from = '', to = ''] = text.split(' -> ');
  return { from: parsePlace(from), to: parsePlace(to) };
}

function parsePlace(text: string): Place {
  const [kind, number] = text.split(' ');
  return kind === 'drive' ? { drive: Number(number) } : { slot: Number(number) };
}
