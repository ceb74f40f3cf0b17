/**
 * `ferrite-tape/slim`: the catalog without an engine. Importing it loads nothing; the caller brings sql.js and the bytes.
 *
 *     import initSqlJs from 'sql.js';
 *     import { Catalog } from 'ferrite-tape/slim';
 *     const catalog = Catalog.open(await initSqlJs(), bytes);
 */
export { type ErrorKind, FerriteError } from '../errors.ts';
export { Catalog, type Page } from './catalog.ts';
export {
  checkSize,
  LARGEST_DATABASE_BYTES,
  type QueryResult,
  type SqlJsStatic,
  type SqlValue,
} from './connection.ts';
export type { DirectoryEntry, DirectoryPage, EntryKind, PathStep } from './files.ts';
export type { AffectedBy, AffectedSnapshot, LossRequest, SnapshotCopy } from './impact.ts';
export type { Occurrence } from './occurrences.ts';
export { SCHEMA_VERSION } from './schema.ts';
export type { ArchiveMatch, SearchMatch, SearchOptions, SearchResult } from './search.ts';
export type {
  CatalogSnapshot,
  ChosenSnapshot,
  ListingState,
  NeededTape,
  RestoreNeeds,
  SnapshotArchive,
  SnapshotFilter,
} from './snapshots.ts';
export type { CatalogStatistics } from './statistics.ts';
export type { MediaSetSummary, PoolSummary, TapeFileSummary, TapeFilter, TapeSummary } from './tapes.ts';
