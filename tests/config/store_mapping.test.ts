import test from 'ava';
import {
  parseNamespaceMappings,
  parseStoreMapping,
  targetNamespaces,
  targetStore,
  targetStores,
} from '../../ts/config/store_mapping.ts';
import { readVectors } from '../vectors.ts';

interface StoreCase {
  id?: string;
  text: string;
  targets?: Record<string, string | null>;
  error?: string;
}

for (const { id, text, targets, error } of readVectors<StoreCase>('config/store-mappings.json')) {
  test(`${id ?? 'store mapping'} ${JSON.stringify(text)}`, (t) => {
    if (error) {
      t.throws(() => parseStoreMapping(text), { code: 'bad-mapping', message: new RegExp(error) });
      return;
    }
    const mapping = parseStoreMapping(text);
    for (const [source, target] of Object.entries(targets ?? {})) {
      t.is(targetStore(mapping, source) ?? null, target);
    }
  });
}

test('all targets, each once', (t) => {
  t.deepEqual(targetStores(parseStoreMapping('a=b,c=d,e=b,d')), ['b', 'd']);
});

interface NamespaceCase {
  mappings: string[];
  ns?: string;
  targets?: string[];
  error?: string;
}

for (const { mappings, ns, targets, error } of readVectors<NamespaceCase>('config/namespace-mappings.json')) {
  test(`namespace mapping ${mappings.join(' ')} of ${JSON.stringify(ns)}`, (t) => {
    if (error) t.throws(() => parseNamespaceMappings(mappings), { message: new RegExp(error) });
    else t.deepEqual(targetNamespaces(parseNamespaceMappings(mappings), 'a01', ns ?? ''), targets as string[]);
  });
}
