/** What stands where in a library, as its changer reports it (behaviour.md section 16): plain data for decisions and lists. */
import { parseSlotList } from '../../config/tape_sections.ts';

/**
 * What is in an element: absent when there is nothing, empty text for a cartridge without readable bar code, else the bar
 * code.
 */
export type ElementLabel = string | undefined;

export interface DriveElement {
  readonly labelText?: ElementLabel;
  /** Slot that the cartridge came from, from 1; absent where the library does not know. */
  readonly loadedSlot?: number | undefined;
  readonly serial?: string | undefined;
  readonly vendor?: string | undefined;
  readonly model?: string | undefined;
  readonly address: number;
}

export interface SlotElement {
  readonly labelText?: ElementLabel;
  /** A person reaches it: its cartridges are offline. */
  readonly isImportExport: boolean;
  readonly address: number;
}

export interface TransportElement {
  readonly labelText?: ElementLabel;
  readonly address: number;
}

export interface LibraryElements {
  /** The first is drive 0. */
  readonly drives: readonly DriveElement[];
  /** The first is slot 1. Normal slots come before the import/export slots that the library itself has. */
  readonly slots: readonly SlotElement[];
  readonly transports: readonly TransportElement[];
}

const CLEANING_PREFIX = 'CLN';

export function isCleaningLabel(labelText: ElementLabel): boolean {
  return labelText?.startsWith(CLEANING_PREFIX) ?? false;
}

export interface NumberedSlot extends SlotElement {
  /** From 1. */
  readonly number: number;
}

export function numberedSlots(elements: LibraryElements): NumberedSlot[] {
  return elements.slots.map((slot, index) => ({ ...slot, number: index + 1 }));
}

/** In the lowest normal slot that has one. */
export function findCleaningCartridge(elements: LibraryElements): NumberedSlot | undefined {
  return numberedSlots(elements).find((slot) => !slot.isImportExport && isCleaningLabel(slot.labelText));
}

/** Slots of the configuration's `export-slots` count as import/export slots, whatever the library thinks of them. */
export function markExportSlots(elements: LibraryElements, exportSlots: string | undefined): LibraryElements {
  const marked = new Set(parseSlotList(exportSlots ?? ''));
  if (marked.size === 0) return elements;
  const slots = elements.slots.map((slot, index) => (marked.has(index + 1) ? { ...slot, isImportExport: true } : slot));
  return { ...elements, slots };
}

/** Bar codes that jobs can reach: those in drives and normal slots, without cleaning cartridges in slots. Sorted. */
export function onlineLabels(elements: LibraryElements): string[] {
  const inDrives = elements.drives.map(({ labelText }) => labelText);
  const inSlots = elements.slots.filter((slot) => !slot.isImportExport).map(({ labelText }) => labelText);
  const labels = [...inDrives, ...inSlots.filter((label) => !isCleaningLabel(label))];
  return [...new Set(labels.flatMap((label) => (label ? [label] : [])))].sort();
}

/** One line of `changer status`. */
export interface ElementEntry {
  readonly 'entry-kind': 'drive' | 'slot' | 'import-export';
  /** Drives from 0, slots from 1. */
  readonly 'entry-id': number;
  readonly 'label-text'?: string;
  readonly 'loaded-slot'?: number;
  /** What a configured drive is used for, while it is. */
  readonly state?: string;
}

/** `driveState` tells what a drive is used for, by its number. */
export function elementEntries(
  elements: LibraryElements,
  driveState: (number: number) => string | undefined = () => undefined,
): ElementEntry[] {
  const drives = elements.drives.map(({ labelText, loadedSlot }, number): ElementEntry => {
    const state = driveState(number);
    return {
      'entry-kind': 'drive',
      'entry-id': number,
      ...(labelText !== undefined && { 'label-text': labelText }),
      ...(loadedSlot !== undefined && { 'loaded-slot': loadedSlot }),
      ...(state !== undefined && { state }),
    };
  });
  const slots = numberedSlots(elements).map(
    ({ number, labelText, isImportExport }): ElementEntry => ({
      'entry-kind': isImportExport ? 'import-export' : 'slot',
      'entry-id': number,
      ...(labelText !== undefined && { 'label-text': labelText }),
    }),
  );
  return [...drives, ...slots];
}
