/**
 * What the sections of a config file mean. A section type is one TypeBox schema: it parses, validates and prints the
 * section, types it for programs, and tells the command line its options.
 *
 * Types and properties that no schema knows are kept, reported and written back (D29): a newer PBS, or a person, put
 * them there.
 */
import type { Static, TObject, TSchema } from 'typebox';
import { FerriteError } from '../errors.ts';
import { configError, type PropertyLine, type SectionText } from './section_config.ts';
import { elementSchema, isArrayProperty, parseValue, printValue, problemOf } from './value_text.ts';

export interface SectionType<Shape extends TObject = TObject> {
  readonly type: string;
  /** The property that stands in the header. */
  readonly idProperty: 'name' | 'id';
  /** All properties, the id among them. */
  readonly schema: Shape;
  /**
   * The file belongs to another program that may be newer: optional properties that do not parse are kept like unknown
   * ones.
   */
  readonly tolerant?: boolean;
  /** Sections of other types in the file may have the same names; PBS's files know no such types. */
  readonly ownNames?: boolean;
}

export type SectionOf<Type extends SectionType> = Static<Type['schema']>;

/** A section with its properties sorted into those of the schema and the rest. */
export interface Section {
  readonly type: string;
  readonly id: string;
  /** 1-based; 0 for a new section. */
  readonly line: number;
  /** Undefined: the section's type is unknown, all its properties are in `rest`. */
  readonly value: Record<string, unknown> | undefined;
  readonly rest: readonly PropertyLine[];
}

/** Something in a config file that was not understood and is left as it is. */
export interface ConfigNotice {
  line: number;
  message: string;
}

export function requiredProperties(type: SectionType): string[] {
  return [...((type.schema.required as unknown as string[] | undefined) ?? [])];
}

/** Reads one section. Throws the error of `configError` for what a known property does not allow. */
export function readSection(
  text: SectionText,
  types: readonly SectionType[],
  file: string,
  notices: ConfigNotice[],
): Section {
  const { type, id, line } = text;
  const known = types.find((candidate) => candidate.type === type);
  if (!known) {
    notices.push({ line, message: `unknown section type '${type}' is left as it is` });
    return { type, id, line, value: undefined, rest: text.properties };
  }
  const idProblem = problemOf(known.schema.properties[known.idProperty] as TSchema, id);
  if (idProblem) throw configError(file, line, `the name of the section ${idProblem}`);
  const value: Record<string, unknown> = { [known.idProperty]: id };
  const rest: PropertyLine[] = [];
  for (const property of text.properties) {
    if (property.key === known.idProperty) continue; // the header decides
    const problem = readProperty(known, property, value);
    if (problem === undefined) continue;
    if (!problem.mayStay) throw configError(file, property.line, problem.message);
    notices.push({ line: property.line, message: `${problem.message}: it is left as it is` });
    rest.push(property);
  }
  for (const name of requiredProperties(known)) {
    if (!(name in value)) throw configError(file, line, `section '${id}' lacks the property '${name}'`);
  }
  return { type, id, line, value, rest };
}

function readProperty(
  type: SectionType,
  { key, value: text }: PropertyLine,
  value: Record<string, unknown>,
): { message: string; mayStay: boolean } | undefined {
  const schema = Object.hasOwn(type.schema.properties, key) ? type.schema.properties[key] : undefined;
  if (!schema) return { message: `unknown property '${key}'`, mayStay: true };
  const mayStay = type.tolerant === true && !requiredProperties(type).includes(key);
  const parsed = parseValue(schema, text);
  if (!parsed.ok) return { message: `property '${key}' ${parsed.problem}`, mayStay };
  if (isArrayProperty(schema)) {
    value[key] = [...((value[key] as unknown[] | undefined) ?? []), parsed.value];
  } else if (key in value) {
    return { message: `property '${key}' stands there twice`, mayStay };
  } else {
    value[key] = parsed.value;
  }
  return undefined;
}

/** The section as text. Every value is checked against the schema. */
export function writeSection(section: Section, types: readonly SectionType[]): SectionText {
  const { type, id, line, rest } = section;
  const known = types.find((candidate) => candidate.type === type);
  if (!known || !section.value) return { type, id, line, properties: [...rest] };
  const properties: PropertyLine[] = [];
  for (const [key, value] of Object.entries(checkSection(known, section.value))) {
    if (key === known.idProperty || value === undefined) continue;
    const elements = Array.isArray(value) ? value : [value];
    for (const element of elements) properties.push({ key, value: printValue(element), line: 0 });
  }
  return { type, id, line, properties: [...properties, ...rest] };
}

/** Throws a FerriteError (`usage`, `bad-parameter`) that names every property that does not fit; else returns the value. */
export function checkSection<Type extends SectionType>(type: Type, value: Record<string, unknown>): SectionOf<Type> {
  const problems: string[] = [];
  for (const [key, element] of Object.entries(value)) {
    if (element === undefined) continue;
    const schema = Object.hasOwn(type.schema.properties, key) ? type.schema.properties[key] : undefined;
    const problem = schema ? propertyProblem(schema, element) : 'is unknown';
    if (problem) problems.push(`parameter '${key}' ${problem}`);
  }
  for (const name of requiredProperties(type)) {
    if (value[name] === undefined) problems.push(`parameter '${name}' is missing`);
  }
  if (problems.length > 0) throw new FerriteError('usage', 'bad-parameter', problems.join('\n'));
  return Object.fromEntries(Object.entries(value).filter(([, element]) => element !== undefined)) as SectionOf<Type>;
}

function propertyProblem(schema: TSchema, value: unknown): string | undefined {
  if (!isArrayProperty(schema)) return problemOf(schema, value);
  if (!Array.isArray(value)) return 'must be a list';
  for (const element of value) {
    const problem = problemOf(elementSchema(schema), element);
    if (problem) return problem;
  }
  return undefined;
}
