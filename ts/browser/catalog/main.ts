/**
 * The offline page over a catalog. It loads nothing from anywhere: the catalog is dropped on it, opened, or stands in it.
 * Views are functions that make elements; the address decides which of them is shown.
 */
import { byId, h } from '../shared/dom.ts';
import { dropEmbedded, embeddedBytes, hasEmbedded } from '../shared/embedded.ts';
import { themeButton } from '../shared/theme.ts';
import { visible } from '../shared/visible.ts';
import { Choice } from './choice.ts';
import { CatalogClient } from './client.ts';
import { labelsView } from './labels_view.ts';
import { empty } from './parts.ts';
import { restoreView } from './restore_view.ts';
import { addressOf, parseAddress, type Route } from './routes.ts';
import { searchView } from './search_view.ts';
import { setView } from './set_view.ts';
import { shelfView } from './shelf.ts';
import { snapshotView } from './snapshot_view.ts';
import { snapshotsView } from './snapshots_view.ts';
import { startView } from './start_view.ts';
import { type OpenedCatalog, type PageState, readCatalog, setOf, tapeOf } from './state.ts';
import { tapeFileView } from './tape_file_view.ts';
import { tapeView } from './tape_view.ts';

const main = byId('main');
const search = byId('search') as HTMLInputElement;
const files = byId('file') as HTMLInputElement;
const status = byId('status');

const state: PageState = {
  catalog: undefined,
  choice: new Choice(),
  tapeFiles: [],
  chooseFile: () => files.click(),
  tell,
};

let silence: ReturnType<typeof setTimeout> | undefined;

function tell(message: string, kind?: 'bad'): void {
  clearTimeout(silence);
  status.textContent = message;
  status.className = kind ?? '';
  silence = setTimeout(() => {
    status.textContent = '';
  }, 10_000);
}

const TABS: readonly (readonly [title: string, route: Route, views: readonly string[]])[] = [
  ['Tapes', { view: 'tapes' }, ['tapes', 'set', 'tape']],
  ['Snapshots', { view: 'snapshots', set: undefined, text: '' }, ['snapshots', 'snapshot']],
  ['Restore list', { view: 'restore' }, ['restore']],
  ['Tape files', { view: 'tape-file' }, ['tape-file']],
  ['Labels', { view: 'labels' }, ['labels']],
];

function drawTabs(route: Route): void {
  const links = TABS.map(([title, target, views]) =>
    h(
      'a',
      { href: addressOf(target), 'aria-current': views.includes(route.view) && 'page' },
      title,
      target.view === 'restore' && state.choice.size > 0 && h('span', { class: 'number' }, state.choice.size),
    ),
  );
  byId('tabs').replaceChildren(...links);
  // On a phone there is not room for all of them.
  byId('tabs').querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

async function viewOf(route: Route): Promise<HTMLElement> {
  const { catalog } = state;
  if (route.view === 'tape-file') return tapeFileView(state);
  if (route.view === 'labels') return labelsView();
  if (!catalog) return startView(state);
  switch (route.view) {
    case 'set': {
      const set = setOf(catalog, route.uuid);
      return set ? setView(state, catalog, set) : empty('This media set is not in the catalog.');
    }
    case 'tape': {
      const tape = tapeOf(catalog, route.uuid);
      return tape ? tapeView(state, catalog, tape) : empty('This tape is not in the catalog.');
    }
    case 'snapshots':
      return snapshotsView(state, catalog, route.set, route.text);
    case 'snapshot':
      return snapshotView(state, catalog, route);
    case 'search':
      return searchView(catalog, route.text);
    case 'restore':
      return restoreView(state, catalog);
    default:
      return shelfView(catalog);
  }
}

/** Counts what was asked for: an answer that comes late is not shown. */
let drawing = 0;

async function draw({ keepFocus = false } = {}): Promise<void> {
  const route = parseAddress(location.hash);
  const number = ++drawing;
  drawTabs(route);
  if (route.view === 'search' && document.activeElement !== search) search.value = route.text;
  try {
    const view = await viewOf(route);
    if (number !== drawing) return;
    main.replaceChildren(view);
    if (!keepFocus) {
      scrollTo(0, 0);
      if (document.activeElement !== search) main.focus({ preventScroll: true });
    }
  } catch (error) {
    if (number === drawing) tell(visible(error instanceof Error ? error.message : String(error)), 'bad');
  }
}

async function openCatalog(source: Blob | Uint8Array<ArrayBuffer>, name: string): Promise<void> {
  let client: CatalogClient | undefined;
  try {
    tell(`Opening ${visible(name)}…`);
    client = await CatalogClient.start();
    await client.open(source);
    const opened: OpenedCatalog = await readCatalog(client, name);
    state.catalog?.client.stop();
    state.catalog = opened;
    state.choice.clear();
    search.disabled = false;
    document.title = `${visible(name)} – Ferrite catalog`;
    tell('');
    if (!['', '#', '#/', '#/tape-file', '#/labels'].includes(location.hash)) await draw();
    else location.hash = addressOf({ view: 'tapes' });
  } catch (error) {
    // Whatever was open before stays open.
    client?.stop();
    tell(`${visible(name)}: ${visible(error instanceof Error ? error.message : String(error))}`, 'bad');
  }
}

/** Tape files are told from catalogs by how they begin: `SQLite format 3`, or the magic of a tape block. */
async function openFiles(chosen: readonly File[]): Promise<void> {
  const tapeFiles: File[] = [];
  for (const file of chosen) {
    const start = new Uint8Array(await file.slice(0, 8).arrayBuffer());
    if (start[0] === 0xdc && start[1] === 0xbd) tapeFiles.push(file);
    else await openCatalog(file, file.name);
  }
  if (tapeFiles.length === 0) return;
  state.tapeFiles = tapeFiles.slice(0, 100);
  if (parseAddress(location.hash).view === 'tape-file') await draw();
  else location.hash = addressOf({ view: 'tape-file' });
}

function acceptDrops(): void {
  const veil = byId('drop');
  addEventListener('dragover', (event) => {
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) veil.hidden = true;
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    veil.hidden = true;
    void openFiles([...(event.dataTransfer?.files ?? [])]);
  });
}

function acceptSearches(): void {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const go = (): void => {
    const text = search.value.trim();
    if (text === '') return;
    const address = addressOf({ view: 'search', text });
    // Letter by letter is one step back.
    if (parseAddress(location.hash).view === 'search') {
      history.replaceState(null, '', address);
      void draw({ keepFocus: true });
    } else {
      location.hash = address;
    }
  };
  search.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(go, 120);
  });
  search.addEventListener('keydown', (event) => {
    const first = event.key === 'ArrowDown' && main.querySelector<HTMLElement>('tbody a');
    if (!first) return;
    event.preventDefault();
    first.focus();
  });
  byId('search-form').addEventListener('submit', (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    go();
  });
  addEventListener('keydown', (event) => {
    const typing = document.activeElement?.matches('input:not([type=checkbox]), select, textarea');
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
}

themeButton(byId('theme'));
acceptDrops();
acceptSearches();
byId('open').addEventListener('click', () => state.chooseFile());
files.addEventListener('change', () => {
  void openFiles([...(files.files ?? [])]);
  files.value = '';
});
state.choice.addEventListener('change', () => {
  const route = parseAddress(location.hash);
  drawTabs(route);
  if (route.view === 'restore') void draw({ keepFocus: true });
});
addEventListener('hashchange', () => void draw());
addEventListener('unhandledrejection', ({ reason }) =>
  tell(visible(reason instanceof Error ? reason.message : String(reason)), 'bad'),
);
void draw();
if (hasEmbedded('catalog')) {
  void embeddedBytes('catalog').then((bytes) => {
    dropEmbedded('catalog');
    return openCatalog(bytes, document.title);
  });
}
