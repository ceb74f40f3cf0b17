/**
 * Where the robot takes cartridges (behaviour.md sections 16 and 17, scenarios S-112 to S-132): decisions over what the
 * changer reports, made before anything moves.
 *
 * A plan may end with a refusal: what comes before it is done, as with PBS, which empties the drive before it finds out
 * that the tape it is to load is not there.
 */
import { FerriteError } from '../../errors.ts';
import {
  findCleaningCartridge,
  isCleaningLabel,
  type LibraryElements,
  type NumberedSlot,
  numberedSlots,
} from './elements.ts';

/** A drive by its number from 0, or a slot by its number from 1. */
export type Place = { readonly drive: number } | { readonly slot: number };

export interface Move {
  readonly from: Place;
  readonly to: Place;
}

export interface Plan {
  readonly moves: readonly Move[];
  /** Why what was asked for cannot be done, once the moves are. */
  readonly refusal?: FerriteError;
}

export interface ExportPlan extends Plan {
  /** Where the tape is to be; absent with a refusal. */
  readonly slot?: number;
}

export interface CleaningPlan extends Plan {
  /** Where the cleaning cartridge is, and goes back to; absent with a refusal. The moves only empty the drive. */
  readonly cleaningSlot?: number;
}

export const placeText = (place: Place): string => ('drive' in place ? `drive ${place.drive}` : `slot ${place.slot}`);

/** Brings the tape with this bar code into a drive, and whatever is in there out of it. */
export function planLoad(elements: LibraryElements, drive: number, labelText: string): Plan {
  if (isCleaningLabel(labelText)) return refused(cleaningTape(labelText));
  const own = requireDrive(elements, drive);
  if (own.labelText === labelText) return { moves: [] };
  const other = elements.drives.findIndex((element) => element.labelText === labelText);
  if (other >= 0) return refused(inOtherDrive(labelText, other, drive));
  const emptied = own.labelText === undefined ? { moves: [] } : planUnload(elements, drive);
  if (emptied.refusal) return emptied;
  const slot = slotWith(elements, labelText);
  if (!slot) return { ...emptied, refusal: notFound(labelText) };
  if (slot.isImportExport) return { ...emptied, refusal: inExportSlot(labelText, slot) };
  return { moves: [...emptied.moves, { from: { slot: slot.number }, to: { drive } }] };
}

/** No checks but that there are such a slot and such a drive: the library refuses what it cannot do. */
export function planLoadFromSlot(elements: LibraryElements, drive: number, slot: number): Plan {
  requireDrive(elements, drive);
  requireSlot(elements, slot);
  return { moves: [{ from: { slot }, to: { drive } }] };
}

/** Empties a drive: into the slot asked for, else where the tape came from, else into the first free normal slot. */
export function planUnload(elements: LibraryElements, drive: number, targetSlot?: number): Plan {
  const { labelText, loadedSlot } = requireDrive(elements, drive);
  if (labelText === undefined) return refused(driveIsEmpty(drive));
  if (targetSlot !== undefined) requireSlot(elements, targetSlot);
  const slots = numberedSlots(elements);
  const origin = slots.find((slot) => slot.number === loadedSlot && slot.labelText === undefined);
  const free = origin ?? slots.find((slot) => !slot.isImportExport && slot.labelText === undefined);
  const slot = targetSlot ?? free?.number;
  return slot === undefined ? refused(noFreeSlot(drive)) : { moves: [{ from: { drive }, to: { slot } }] };
}

/** Brings a tape to where a person can take it out: the first free import/export slot. */
export function planExport(elements: LibraryElements, drive: number, labelText: string): ExportPlan {
  const own = requireDrive(elements, drive);
  const from = own.labelText === labelText ? { drive } : normalSlotWith(elements, labelText);
  if (!from) return refused(notOnline(labelText));
  const target = numberedSlots(elements).find((slot) => slot.isImportExport && slot.labelText === undefined);
  if (!target) return refused(noExportSlot(labelText));
  return { moves: [{ from, to: { slot: target.number } }], slot: target.number };
}

export function planTransfer(elements: LibraryElements, from: number, to: number): Plan {
  requireSlot(elements, from);
  requireSlot(elements, to);
  return { moves: [{ from: { slot: from }, to: { slot: to } }] };
}

/** Empties the drive and finds a cleaning cartridge for it. */
export function planCleaning(elements: LibraryElements, drive: number): CleaningPlan {
  const own = requireDrive(elements, drive);
  const emptied = own.labelText === undefined ? { moves: [] } : planUnload(elements, drive);
  if (emptied.refusal) return emptied;
  const cartridge = findCleaningCartridge(elements);
  if (cartridge) return { ...emptied, cleaningSlot: cartridge.number };
  // The one that was in the drive will do, too.
  const [unloaded] = emptied.moves;
  if (unloaded && isCleaningLabel(own.labelText) && 'slot' in unloaded.to) {
    return { ...emptied, cleaningSlot: unloaded.to.slot };
  }
  return { ...emptied, refusal: noCleaningCartridge() };
}

// ------------------------------------------------------------ elements

function requireDrive(elements: LibraryElements, drive: number) {
  const element = elements.drives[drive];
  if (element) return element;
  const count = elements.drives.length;
  const range = count === 0 ? 'the library has none' : `the library has drives 0 to ${count - 1}`;
  throw new FerriteError(
    'usage',
    'no-such-drive',
    `there is no drive number ${drive}: ${range}; correct the drive's changer-drivenum`,
  );
}

function requireSlot(elements: LibraryElements, slot: number): void {
  const count = elements.slots.length;
  if (slot >= 1 && slot <= count) return;
  throw new FerriteError('usage', 'no-such-slot', `there is no slot ${slot}: the library has slots 1 to ${count}`);
}

function slotWith(elements: LibraryElements, labelText: string): NumberedSlot | undefined {
  return numberedSlots(elements).find((slot) => slot.labelText === labelText);
}

function normalSlotWith(elements: LibraryElements, labelText: string): Place | undefined {
  const slot = numberedSlots(elements).find((each) => each.labelText === labelText && !each.isImportExport);
  return slot && { slot: slot.number };
}

// ------------------------------------------------------------ refusals

function refused(refusal: FerriteError): Plan {
  return { moves: [], refusal };
}

const operator = (code: string, message: string): FerriteError => new FerriteError('operator', code, message);

/** A cleaning cartridge is no tape to load. */
export const cleaningTape = (labelText: string): FerriteError =>
  new FerriteError('usage', 'cleaning-tape', `'${labelText}' is a cleaning cartridge: see 'proxmox-tape clean'`);

const inOtherDrive = (labelText: string, other: number, drive: number): FerriteError =>
  operator(
    'other-drive',
    `tape '${labelText}' is in drive number ${other} of the library, not in drive number ${drive}: unload it there first`,
  );

const notFound = (labelText: string): FerriteError =>
  operator('tape-offline', `tape '${labelText}' is not in the library: bring it there`);

const inExportSlot = (labelText: string, slot: NumberedSlot): FerriteError =>
  operator(
    'in-export-slot',
    `tape '${labelText}' is in import/export slot ${slot.number}: move it to another slot first ` +
      `('proxmox-tape changer transfer --from ${slot.number} --to SLOT')`,
  );

const driveIsEmpty = (drive: number): FerriteError =>
  operator('drive-empty', `there is no tape in drive number ${drive} of the library`);

const noFreeSlot = (drive: number): FerriteError =>
  operator(
    'no-free-slot',
    `there is no free slot for the tape in drive number ${drive}: take a tape out of the library, or name a slot ` +
      '(unload --target-slot)',
  );

const notOnline = (labelText: string): FerriteError =>
  operator('not-online', `tape '${labelText}' is neither in this drive nor in a normal slot of its library`);

const noExportSlot = (labelText: string): FerriteError =>
  operator(
    'no-export-slot',
    `there is no free import/export slot for tape '${labelText}': take the tapes out that are there`,
  );

const noCleaningCartridge = (): FerriteError =>
  operator(
    'no-cleaning-cartridge',
    'no cleaning cartridge is in a normal slot of the library (their bar codes begin with CLN): insert one',
  );
