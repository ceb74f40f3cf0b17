/** Property strings `key=value,key=value` and lists (spec/config-and-time.md 6). */
import type { Static, TObject } from 'typebox';
import { FerriteError } from '../errors.ts';
import { parseValue } from './value_text.ts';

function refuse(text: string, problem: string): never {
  throw new FerriteError('usage', 'bad-property-string', `invalid value '${text}': ${problem}`);
}

/** Values may be quoted; a value without key belongs to `defaultKey`. Duplicate keys are refused, unknown ones are kept. */
export function parsePropertyString(text: string, defaultKey?: string): Map<string, string> {
  const properties = new Map<string, string>();
  let rest = text;
  while (rest !== '') {
    const { key = defaultKey, value, next } = takeProperty(text, rest);
    if (key === undefined) return refuse(text, `'${value}' has no name`);
    if (properties.has(key)) refuse(text, `'${key}' stands there twice`);
    properties.set(key, value);
    rest = next;
  }
  return properties;
}

interface TakenProperty {
  key?: string;
  value: string;
  next: string;
}

function takeProperty(text: string, rest: string): TakenProperty {
  if (rest.startsWith('"')) return takeQuoted(text, rest);
  const [, key] = /^([^,=]*)=/.exec(rest) ?? [];
  if (key === undefined) return takePlain(rest);
  const value = rest.slice(key.length + 1);
  return { key, ...(value.startsWith('"') ? takeQuoted(text, value) : takePlain(value)) };
}

function takePlain(rest: string): TakenProperty {
  const end = rest.indexOf(',');
  return end < 0 ? { value: rest, next: '' } : { value: rest.slice(0, end), next: rest.slice(end + 1) };
}

function takeQuoted(text: string, rest: string): TakenProperty {
  const [all, quoted] = /^"((?:[^"\\]|\\["\\n])*)"(?=,|$)/.exec(rest) ?? [];
  if (all === undefined || quoted === undefined) return refuse(text, `bad quoting at '${rest}'`);
  const value = quoted.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
  return { value, next: rest.slice(all.length + 1) };
}

/** The default key is not written. */
export function printPropertyString(properties: Iterable<readonly [string, string]>, defaultKey?: string): string {
  const parts: string[] = [];
  for (const [key, value] of properties) {
    const escaped = value.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n');
    const ambiguous = /[,"\\\n]/.test(value) || (key === defaultKey && value.includes('='));
    parts.push(`${key === defaultKey ? '' : `${key}=`}${ambiguous ? `"${escaped}"` : value}`);
  }
  return parts.join(',');
}

/** Elements between commas, semicolons or white space; empty ones are dropped. */
export function parseList(text: string): string[] {
  return text.split(/[,;\t\n\f\r ]+/).filter((element) => element !== '');
}

/** A property string whose keys a schema describes: unknown, missing and ill-formed ones are refused. */
export function parsePropertyObject<Shape extends TObject>(
  schema: Shape,
  text: string,
  defaultKey?: string,
): Static<Shape> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of parsePropertyString(text, defaultKey)) {
    const property = Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
    if (property === undefined) return refuse(text, `unknown property '${key}'`);
    const parsed = parseValue(property, value);
    if (!parsed.ok) return refuse(text, `'${key}' ${parsed.problem}`);
    result[key] = parsed.value;
  }
  for (const key of (schema.required as unknown as string[] | undefined) ?? []) {
    if (!(key in result)) refuse(text, `'${key}' is missing`);
  }
  return result as Static<Shape>;
}
