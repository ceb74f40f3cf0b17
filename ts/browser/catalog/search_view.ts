/** What a search found: names over all snapshots, as somebody types. */
import type { Occurrence } from '../../catalog/occurrences.ts';
import type { ArchiveMatch, SearchMatch } from '../../catalog/search.ts';
import { h } from '../shared/dom.ts';
import { count, size, time } from '../shared/values.ts';
import { visible } from '../shared/visible.ts';
import { arrowKeys } from './arrow_keys.ts';
import { cell, empty, foreign, link, table } from './parts.ts';
import type { OpenedCatalog } from './state.ts';
import { tapeOf } from './state.ts';

const LIMIT = 100;

const COLUMNS = {
  name: { title: 'Name', kind: 'lead' },
  place: { title: 'Where' },
  size: { title: 'Size', kind: 'right' },
  time: { title: 'Changed', kind: 'right' },
  snapshots: { title: 'Newest snapshot' },
} as const;

/** Snapshots on their tapes, so that a match can be told its tape without asking again. */
type Places = Map<string, { set: string; tape: string; label: string }>;

const places = new WeakMap<OpenedCatalog, Promise<Places>>();

async function readPlaces(catalog: OpenedCatalog): Promise<Places> {
  const snapshots = await catalog.client.ask('snapshots');
  const found: Places = new Map();
  // The newest media set is asked first.
  for (const { store, path, mediaSetUuid, mediaUuid, labelText } of snapshots) {
    const key = `${store}:${path}`;
    if (!found.has(key)) found.set(key, { set: mediaSetUuid, tape: mediaUuid, label: labelText });
  }
  return found;
}

export async function searchView(catalog: OpenedCatalog, text: string): Promise<HTMLElement> {
  const known = places.get(catalog) ?? readPlaces(catalog);
  places.set(catalog, known);
  const started = performance.now();
  const [{ matches, archives, more }, onTape] = await Promise.all([
    catalog.client.ask('search', text, { limit: LIMIT }),
    known,
  ]);
  const milliseconds = Math.round(performance.now() - started);
  const found = matches.length + archives.length;
  const summary =
    found === 0 ? 'Nothing has this name.' : `${more ? 'The first ' : ''}${count(found, 'result')}, ${milliseconds} ms`;
  const { element, body } = table('Search results', Object.values(COLUMNS));
  body.append(...archives.map((match) => archiveRow(catalog, onTape, text, match)));
  body.append(...matches.map((match) => matchRow(catalog, onTape, text, match)));
  arrowKeys(element, () => {});
  return h(
    'div',
    { class: 'stack' },
    h('div', { class: 'heading' }, h('h1', {}, 'Search'), h('span', { class: 'muted' }, summary)),
    found === 0
      ? empty(
          'Text is looked for in names. With * and ? it is a pattern for whole names; with a slash, as in etc/*.conf, for names in such directories.',
        )
      : element,
  );
}

function matchRow(catalog: OpenedCatalog, onTape: Places, text: string, match: SearchMatch): HTMLElement {
  const [newest] = match.places;
  const folder = newest ? newest.path.slice(0, Math.max(0, newest.path.lastIndexOf('/'))) : '';
  return h(
    'tr',
    {},
    cell(COLUMNS.name, target(onTape, newest, newest?.path ?? '', marked(match.name, text))),
    cell(COLUMNS.place, foreign(folder === '' ? '–' : folder)),
    cell(COLUMNS.size, match.kind === 'f' || match.kind === 'd' ? size(match.size) : '–'),
    cell(COLUMNS.time, match.mtime === undefined ? '–' : time(match.mtime)),
    cell(COLUMNS.snapshots, snapshotsOf(catalog, onTape, match)),
  );
}

function archiveRow(catalog: OpenedCatalog, onTape: Places, text: string, match: ArchiveMatch): HTMLElement {
  return h(
    'tr',
    {},
    cell(COLUMNS.name, target(onTape, match, '', marked(match.path, text))),
    cell(COLUMNS.place, h('span', { class: 'muted' }, 'archive')),
    cell(COLUMNS.size, size(match.size)),
    cell(COLUMNS.time, '–'),
    cell(COLUMNS.snapshots, occurrenceLine(catalog, onTape, match, '')),
  );
}

function target(onTape: Places, place: Occurrence | undefined, at: string, name: HTMLElement): HTMLElement {
  const tape = place && onTape.get(`${place.store}:${place.snapshot}`);
  if (!tape) return name;
  return link({ view: 'snapshot', set: tape.set, store: place.store, path: place.snapshot, at }, name);
}

/** The name with what was searched for marked. */
function marked(name: string, text: string): HTMLElement {
  const shown = visible(name);
  const part = text.slice(text.lastIndexOf('/') + 1).trim();
  const at = part === '' || /[*?]/.test(part) ? -1 : shown.toLowerCase().indexOf(part.toLowerCase());
  if (at < 0) return h('bdi', { class: 'name' }, shown);
  const end = at + part.length;
  return h('bdi', { class: 'name' }, shown.slice(0, at), h('mark', {}, shown.slice(at, end)), shown.slice(end));
}

function snapshotsOf(catalog: OpenedCatalog, onTape: Places, match: SearchMatch): HTMLElement {
  const [newest, ...others] = match.places;
  if (!newest) return h('span');
  const line = occurrenceLine(catalog, onTape, newest, newest.path);
  if (others.length === 0) return line;
  const list = h('ul', { class: 'plain' });
  const details = h(
    'details',
    {
      ontoggle: async () => {
        if (!details.open || list.childElementCount > 0) return;
        const all = await catalog.client.ask('occurrences', match.id, 500);
        list.append(...all.map((place) => h('li', {}, occurrenceLine(catalog, onTape, place, place.path))));
      },
    },
    h('summary', {}, `and ${others.length}${others.length >= 49 ? ' or more' : ''} older`),
    list,
  );
  return h('div', {}, line, details);
}

function occurrenceLine(
  catalog: OpenedCatalog,
  onTape: Places,
  { store, snapshot }: Occurrence,
  at: string,
): HTMLElement {
  const tape = onTape.get(`${store}:${snapshot}`);
  const name = foreign(`${store}:${snapshot}`);
  if (!tape) return h('span', {}, name);
  const label = tapeOf(catalog, tape.tape)?.labelText ?? tape.label;
  return h(
    'span',
    {},
    link({ view: 'snapshot', set: tape.set, store, path: snapshot, at }, name),
    ' on ',
    link({ view: 'tape', uuid: tape.tape }, foreign(label, 'mono')),
  );
}
