/**
 * Parameters of commands are TypeBox schemas: the ones that config files are checked with (ts/config), plus annotations
 * that only a command line needs. `optional` and `defaulted` say what may be left out; the rest is required.
 */
import Type, { type Static, type TOptional, type TSchema } from 'typebox';
import { elementSchema, keywordsOf, type PropertyMetadata, typeText } from '../../config/value_text.ts';
import type { ParameterDescription, ParameterKind } from './description.ts';

export interface Annotations extends Omit<PropertyMetadata, 'default'> {
  /** Which completer of the program knows the values: `drive`. */
  readonly completion?: string;
  /** Other names of the option, accepted and not shown. */
  readonly aliases?: readonly string[];
}

/** Optional, but always present in what a command gets. */
export type Defaulted<S extends TSchema = TSchema> = TOptional<S> & { readonly '~defaulted': true };

/** The same schema with other annotations; what it accepts does not change. */
export function annotate<S extends TSchema>(schema: S, annotations: Annotations): S {
  return Type.With(schema, annotations) as unknown as S;
}

export function optional<S extends TSchema>(schema: S, annotations: Annotations = {}): TOptional<S> {
  return Type.Optional(annotate(schema, annotations)) as TOptional<S>;
}

export function defaulted<S extends TSchema>(schema: S, value: Static<S>, annotations: Annotations = {}): Defaulted<S> {
  const marked = Type.With(schema, { ...annotations, default: value, '~defaulted': true });
  return Type.Optional(marked) as unknown as Defaulted<S>;
}

/** A property whose default is not one of the option: what is left out stays unset. */
export function optionWithoutDefault<S extends TSchema>(schema: S): S {
  return Type.With(schema, { default: undefined }) as unknown as S;
}

/** The value of a `defaulted` parameter that was left out. A mere `default` of a schema only tells what absence means. */
export function fallbackOf(schema: TSchema): unknown {
  return '~defaulted' in schema ? keywordsOf(schema).default : undefined;
}

export type Parameters = Record<string, TSchema>;

type OmittableKeys<P extends Parameters> = {
  [K in keyof P]: P[K] extends Defaulted ? never : P[K] extends TOptional<TSchema> ? K : never;
}[keyof P];

/** What `run` gets: defaults filled in, absent optional parameters absent. */
export type Values<P extends Parameters> = { [K in Exclude<keyof P, OmittableKeys<P>>]: Static<P[K]> } & {
  [K in OmittableKeys<P>]?: Static<P[K]>;
};

function kindOf(schema: TSchema): ParameterKind {
  const { type } = keywordsOf(schema);
  return type === 'boolean' || type === 'integer' || type === 'array' ? type : 'string';
}

export function describeParameter(name: string, schema: TSchema): ParameterDescription {
  const { description = '', default: fallback } = keywordsOf(schema);
  const { completion, aliases } = schema as Annotations;
  const values = keywordsOf(elementSchema(schema)).enum;
  return {
    name,
    kind: kindOf(schema),
    typeText: typeText(schema),
    description,
    required: !Type.IsOptional(schema),
    ...(fallback !== undefined && { default: fallback as string | number | boolean }),
    ...(values && { values: values.map(String) }),
    ...(completion !== undefined && { completion }),
    ...(aliases && { aliases }),
  };
}
