/** What the page asks its worker: the questions of a catalog, by name. */
import type { Catalog } from '../../catalog/catalog.ts';

type Questions = Pick<
  Catalog,
  | 'about'
  | 'affectedSnapshots'
  | 'archives'
  | 'countSnapshots'
  | 'directory'
  | 'findEntry'
  | 'findPath'
  | 'mediaSets'
  | 'neededTapes'
  | 'occurrences'
  | 'pools'
  | 'query'
  | 'search'
  | 'snapshots'
  | 'statistics'
  | 'tapeFiles'
  | 'tapes'
>;

export type QuestionName = keyof Questions;
export type QuestionArguments<Name extends QuestionName> = Parameters<Questions[Name]>;
export type Answer<Name extends QuestionName> = ReturnType<Questions[Name]>;

/** What a worker is told. `load` comes first and again for each catalog. */
export type WorkerRequest =
  | { id: number; kind: 'engine'; wasm: ArrayBuffer }
  | { id: number; kind: 'load'; bytes: ArrayBuffer }
  | { id: number; kind: 'ask'; name: QuestionName; arguments: unknown[] };

export type WorkerReply =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; code: string; message: string };
