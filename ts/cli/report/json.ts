/**
 * JSON as the commands print it (cli.md 2): keys are kebab-case and sorted, or in declaration order for pmt and pmtx;
 * what is absent is left out, a declared null stays.
 */
export type KeyOrder = 'sorted' | 'declared';

/** `mediaSetUuid` is `media-set-uuid` on the command line and in JSON, as PBS names its properties. */
export type Kebab<Name extends string> = Name extends `${infer Head}${infer Tail}`
  ? Head extends Lowercase<Head>
    ? `${Head}${Kebab<Tail>}`
    : `-${Lowercase<Head>}${Kebab<Tail>}`
  : Name;

/** A name with a capital at its beginning is one of PBS's that is printed as it is: `Ok`, `VolumeTag`. */
export const kebabKey = (name: string): string =>
  /^[A-Z]/.test(name) ? name : name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A value with its property names as JSON has them. */
export function toWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toWire);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [kebabKey(name), toWire(member)]));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, member]) => [name, sortKeys(member)]));
}

/** `undefined`, the value of commands that return nothing, is null. */
export function printJson(value: unknown, order: KeyOrder, pretty: boolean): string {
  const ordered = order === 'sorted' ? sortKeys(value) : value;
  return JSON.stringify(ordered ?? null, null, pretty ? 2 : undefined);
}

/** A value for a person: its JSON on several lines, keys in the order in which they come. */
export function prettyJson(value: unknown): string[] {
  return printJson(toWire(value), 'declared', true).split('\n');
}
