/**
 * The last state that a changer reported, in the file where PBS keeps it (tape-format.md 8.3): rewritten after every look and
 * every move, removed when a look failed. Derived: without it the changer is asked.
 */
import { readFile, rm } from 'node:fs/promises';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/schema';
import type { Installation } from '../../config/installation.ts';
import { replaceFile } from '../../config/replace_file.ts';
import type { ElementLabel, LibraryElements } from './elements.ts';

const elementState = Type.Union([
  Type.Literal('Empty'),
  Type.Literal('Full'),
  Type.Object({ VolumeTag: Type.String() }),
]);
const orNull = <S extends Type.TSchema>(schema: S) => Type.Optional(Type.Union([schema, Type.Null()]));

const cachedStatus = Type.Object({
  drives: Type.Array(
    Type.Object({
      loaded_slot: orNull(Type.Integer({ minimum: 0 })),
      status: elementState,
      drive_serial_number: orNull(Type.String()),
      vendor: orNull(Type.String()),
      model: orNull(Type.String()),
      element_address: Type.Integer(),
    }),
  ),
  slots: Type.Array(
    Type.Object({ import_export: Type.Boolean(), status: elementState, element_address: Type.Integer() }),
  ),
  transports: Type.Array(Type.Object({ status: elementState, element_address: Type.Integer() })),
});

/** Element status as PBS's programs print it. */
export type ElementState = Static<typeof elementState>;
export type StatusDocument = Static<typeof cachedStatus>;

function stateOf(labelText: ElementLabel): ElementState {
  if (labelText === undefined) return 'Empty';
  return labelText === '' ? 'Full' : { VolumeTag: labelText };
}

function labelOf(state: ElementState): ElementLabel {
  if (state === 'Empty') return undefined;
  return state === 'Full' ? '' : state.VolumeTag;
}

/** In the order of PBS's fields. */
export function printStatus(elements: LibraryElements): StatusDocument {
  return {
    drives: elements.drives.map(({ labelText, loadedSlot, serial, vendor, model, address }) => ({
      loaded_slot: loadedSlot ?? null,
      status: stateOf(labelText),
      drive_serial_number: serial ?? null,
      vendor: vendor ?? null,
      model: model ?? null,
      element_address: address,
    })),
    slots: elements.slots.map(({ labelText, isImportExport, address }) => ({
      import_export: isImportExport,
      status: stateOf(labelText),
      element_address: address,
    })),
    transports: elements.transports.map(({ labelText, address }) => ({
      status: stateOf(labelText),
      element_address: address,
    })),
  };
}

/** Undefined for anything that is no status. */
export function parseStatus(text: string): LibraryElements | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Check(cachedStatus, document)) return undefined;
  return {
    drives: document.drives.map((drive) => ({
      labelText: labelOf(drive.status),
      loadedSlot: drive.loaded_slot ?? undefined,
      serial: drive.drive_serial_number ?? undefined,
      vendor: drive.vendor ?? undefined,
      model: drive.model ?? undefined,
      address: drive.element_address,
    })),
    slots: document.slots.map((slot) => ({
      labelText: labelOf(slot.status),
      isImportExport: slot.import_export,
      address: slot.element_address,
    })),
    transports: document.transports.map(({ status, element_address: address }) => ({
      labelText: labelOf(status),
      address,
    })),
  };
}

export async function readChangerCache(
  installation: Installation,
  changer: string,
): Promise<LibraryElements | undefined> {
  const text = await readFile(installation.paths.changerStateFile(changer), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseStatus(text);
}

/** A cache that cannot be written is removed: no movement fails for it, and nobody reads what is no longer so. */
export async function writeChangerCache(
  installation: Installation,
  changer: string,
  elements: LibraryElements,
): Promise<void> {
  const path = installation.paths.changerStateFile(changer);
  const text = JSON.stringify(printStatus(elements));
  const written = replaceFile(installation, path, text, { mode: 0o644, owner: installation.owner });
  await written.catch(() => removeChangerCache(installation, changer)).catch(() => undefined);
}

export async function removeChangerCache(installation: Installation, changer: string): Promise<void> {
  await rm(installation.paths.changerStateFile(changer), { force: true });
}
