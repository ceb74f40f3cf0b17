/** What the page knows and remembers while it is open. */
import type { MediaSetSummary, PoolSummary, TapeSummary } from '../../catalog/tapes.ts';
import type { Choice } from './choice.ts';
import type { CatalogClient } from './client.ts';

/** A catalog that was opened. Its lists of tapes are small, so they are kept here. */
export interface OpenedCatalog {
  client: CatalogClient;
  /** Name of its file. */
  name: string;
  about: Record<string, string>;
  pools: PoolSummary[];
  sets: MediaSetSummary[];
  tapes: TapeSummary[];
}

export interface PageState {
  catalog: OpenedCatalog | undefined;
  /** What goes into the restore list. */
  choice: Choice;
  /** Shows a message for some seconds. */
  tell(message: string, kind?: 'bad'): void;
  /** Opens the dialog for files. */
  chooseFile(): void;
  /** Tape files to look into. */
  tapeFiles: File[];
}

export async function readCatalog(client: CatalogClient, name: string): Promise<OpenedCatalog> {
  const [about, pools, sets, tapes] = await Promise.all([
    client.ask('about'),
    client.ask('pools'),
    client.ask('mediaSets'),
    client.ask('tapes'),
  ]);
  return { client, name, about, pools, sets, tapes };
}

export const setOf = (catalog: OpenedCatalog, uuid: string): MediaSetSummary | undefined =>
  catalog.sets.find((set) => set.uuid === uuid);

export const tapeOf = (catalog: OpenedCatalog, uuid: string): TapeSummary | undefined =>
  catalog.tapes.find((tape) => tape.uuid === uuid);
