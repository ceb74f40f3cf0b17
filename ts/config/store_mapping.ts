/** Which datastore and namespace a snapshot is restored to (spec/config-and-time.md 6.3, 6.4). */
import Type, { type Static } from 'typebox';
import { FerriteError } from '../errors.ts';
import { maxNamespaceDepth, namespace } from './identifiers.ts';
import { parseList, parsePropertyObject } from './property_string.ts';

const MAX_NAMESPACE_LEVELS = 7;
/** One character and more: PBS's own example `a=b,e` is refused by PBS (D25). */
const STORE_NAME = '[A-Za-z0-9_][A-Za-z0-9._-]*';
const MAPPING_ELEMENT = new RegExp(`^(?:(${STORE_NAME})=)?(${STORE_NAME})$`);
const MAX_ELEMENT_LENGTH = 65;

function refuse(text: string, problem: string): never {
  throw new FerriteError('usage', 'bad-mapping', `invalid mapping '${text}': ${problem}`);
}

export interface StoreMapping {
  /** Source datastore to target datastore. */
  readonly sources: ReadonlyMap<string, string>;
  /** Target of every other source. */
  readonly defaultTarget: string | undefined;
}

/** `a=b,e`: source a to b, all others to e. */
export function parseStoreMapping(text: string): StoreMapping {
  const sources = new Map<string, string>();
  let defaultTarget: string | undefined;
  for (const element of parseList(text)) {
    const [, source, target] = (element.length <= MAX_ELEMENT_LENGTH && MAPPING_ELEMENT.exec(element)) || [];
    if (target === undefined) return refuse(text, `expected [source=]target, not '${element}'`);
    if (source === undefined) {
      if (defaultTarget !== undefined) refuse(text, `several defaults ('${defaultTarget}' and '${target}')`);
      defaultTarget = target;
    } else {
      if (sources.has(source)) refuse(text, `source '${source}' is mapped twice`);
      sources.set(source, target);
    }
  }
  if (sources.size === 0 && defaultTarget === undefined) refuse(text, 'it is empty');
  return { sources, defaultTarget };
}

/** Undefined: snapshots of this source are skipped. */
export function targetStore(mapping: StoreMapping, source: string): string | undefined {
  return mapping.sources.get(source) ?? mapping.defaultTarget;
}

/** Every datastore that a restore may write to, each once, in the order of the mapping. */
export function targetStores(mapping: StoreMapping): string[] {
  const all = [...mapping.sources.values(), ...(mapping.defaultTarget === undefined ? [] : [mapping.defaultTarget])];
  return [...new Set(all)];
}

const namespaceMappingSchema = Type.Object({
  store: Type.String({ pattern: `^${STORE_NAME}$`, patternHint: 'the name of a datastore' }),
  source: Type.Optional(namespace),
  target: Type.Optional(namespace),
  'max-depth': Type.Optional(maxNamespaceDepth),
});

export type NamespaceMapping = Static<typeof namespaceMappingSchema>;

/** `store=<source datastore>[,source=<ns>][,target=<ns>][,max-depth=<0..7>]`, one text each. */
export function parseNamespaceMappings(texts: readonly string[]): NamespaceMapping[] {
  const seen = new Set<string>();
  return texts.map((text) => {
    const mapping = parsePropertyObject(namespaceMappingSchema, text);
    const key = `${mapping.store}:${mapping.source ?? ''}`;
    if (seen.has(key)) refuse(text, `namespace '${mapping.source ?? ''}' of '${mapping.store}' is mapped twice`);
    seen.add(key);
    return mapping;
  });
}

const levels = (ns: string | undefined): string[] => (ns ? ns.split('/') : []);

/** The target namespaces of one source namespace: one for each mapping that covers it. Root is the empty text. */
export function targetNamespaces(mappings: readonly NamespaceMapping[], store: string, ns: string): string[] {
  const own = levels(ns);
  return mappings.flatMap((mapping) => {
    const source = levels(mapping.source);
    const rest = own.slice(source.length);
    const covers =
      mapping.store === store &&
      own.length >= source.length &&
      source.every((level, index) => level === own[index]) &&
      rest.length <= (mapping['max-depth'] ?? MAX_NAMESPACE_LEVELS);
    const target = [...levels(mapping.target), ...rest];
    return covers && target.length <= MAX_NAMESPACE_LEVELS ? [target.join('/')] : [];
  });
}
