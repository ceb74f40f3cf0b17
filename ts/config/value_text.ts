/**
 * Values as text: what a TypeBox schema says about a property becomes its parser, its printer, the problem told to the
 * user and its type in help texts. Config files and command lines go through the same functions.
 */
import Type, { type TSchema, type TStringOptions } from 'typebox';
import { Errors } from 'typebox/schema'; // what typebox/value does it with; loads in half the time

export type ParsedValue = { ok: true; value: unknown } | { ok: false; problem: string };

/** What schemas of properties carry besides JSON schema. All optional. */
export interface PropertyMetadata {
  description?: string;
  default?: unknown;
  /** Shown instead of the type text that follows from the schema: `<calendar-event>`. */
  typeText?: string;
  /** What a value that does not match `pattern` should look like; completes "must be". */
  patternHint?: string;
}

interface SchemaKeywords extends PropertyMetadata {
  type?: 'string' | 'integer' | 'boolean' | 'array';
  enum?: Array<string | number>;
  items?: TSchema;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

/** The JSON schema keywords of a property; TypeBox types them only on the concrete kinds. */
export function keywordsOf(schema: TSchema): SchemaKeywords {
  return schema as SchemaKeywords;
}

export function isArrayProperty(schema: TSchema): boolean {
  return keywordsOf(schema).type === 'array';
}

/** Schema of one element of an array property, or the schema itself. */
export function elementSchema(schema: TSchema): TSchema {
  return keywordsOf(schema).items ?? schema;
}

/** A string whose rule is a parser that throws: its message becomes the problem. */
export function textAccepted(parse: (text: string) => unknown, metadata: PropertyMetadata & TStringOptions) {
  const problem = (text: string): string | undefined => {
    try {
      parse(text);
      return undefined;
    } catch (error) {
      return `cannot be used: ${(error as Error).message}`;
    }
  };
  return Type.Refine(
    Type.String(metadata),
    (text) => problem(text) === undefined,
    (text) => problem(text) ?? '',
  );
}

const TRUE_WORDS = ['1', 'on', 'yes', 'true'];
const FALSE_WORDS = ['0', 'off', 'no', 'false'];

/** `1 on yes true` / `0 off no false`, any case; undefined for any other word. */
export function parseBooleanWord(word: string): boolean | undefined {
  const lower = word.toLowerCase();
  if (TRUE_WORDS.includes(lower)) return true;
  return FALSE_WORDS.includes(lower) ? false : undefined;
}

function convert(schema: TSchema, text: string): unknown {
  switch (keywordsOf(schema).type) {
    case 'boolean':
      return parseBooleanWord(text);
    case 'integer':
      return /^[+-]?[0-9]+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
    default:
      return text;
  }
}

/** One value (for an array property: one element) from its text. */
export function parseValue(schema: TSchema, text: string): ParsedValue {
  const element = elementSchema(schema);
  const value = convert(element, text);
  if (value === undefined) {
    const boolean = keywordsOf(element).type === 'boolean';
    return { ok: false, problem: boolean ? `must be yes or no, not '${text}'` : `must be an integer, not '${text}'` };
  }
  const problem = problemOf(element, value);
  return problem === undefined ? { ok: true, value } : { ok: false, problem };
}

export function printValue(value: unknown): string {
  return String(value);
}

/** What is wrong with a value, as the end of a sentence that names it; undefined when nothing is. */
export function problemOf(schema: TSchema, value: unknown): string | undefined {
  const [, [first]] = Errors(schema, value);
  if (first === undefined) return undefined;
  const { type, minLength, maxLength, patternHint } = keywordsOf(schema);
  switch (first.keyword) {
    case 'minLength':
    case 'maxLength':
      return maxLength === undefined
        ? `must have at least ${minLength} characters`
        : `must have ${minLength ?? 0} to ${maxLength} characters`;
    case 'pattern':
      return `must be ${patternHint ?? 'of another form'}, not '${value}'`;
    case 'minimum':
    case 'maximum':
      return `must be ${rangeWords(schema)}, not ${value}`;
    case 'enum':
      return `must be one of ${keywordsOf(schema).enum?.join(', ')}, not '${value}'`;
    case 'type':
      return `must be ${type === 'integer' ? 'an integer' : `a ${type}`}`;
    default:
      return first.message;
  }
}

function rangeWords(schema: TSchema): string {
  const { minimum, maximum } = keywordsOf(schema);
  if (minimum !== undefined && maximum !== undefined) return `between ${minimum} and ${maximum}`;
  return minimum === undefined ? `at most ${maximum}` : `at least ${minimum}`;
}

/** The type in help texts: `<string>`, `<integer> (1 - N)`, `text|json`. */
export function typeText(schema: TSchema): string {
  const { typeText: given, enum: values, type, minimum, maximum } = keywordsOf(schema);
  if (given !== undefined) return given;
  if (values) return values.join('|');
  if (type !== 'integer') return `<${type ?? 'string'}>`;
  return minimum === undefined && maximum === undefined
    ? '<integer>'
    : `<integer> (${minimum ?? '-N'} - ${maximum ?? 'N'})`;
}
