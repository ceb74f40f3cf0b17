/** One snapshot: its directory tree, and the tapes that a restore of it needs. */
import type { DirectoryEntry, PathStep } from '../../catalog/files.ts';
import type { CatalogSnapshot, RestoreNeeds } from '../../catalog/snapshots.ts';
import { h, svg } from '../shared/dom.ts';
import { count, size, time } from '../shared/values.ts';
import { arrowKeys } from './arrow_keys.ts';
import { neededList } from './needed.ts';
import { cell, empty, foreign, growing, link, table } from './parts.ts';
import { addressOf, type Route } from './routes.ts';
import { chooseBox, groupText } from './snapshot_table.ts';
import type { OpenedCatalog, PageState } from './state.ts';
import { setOf } from './state.ts';

const PAGE = 200;

/** Shape, in 16 by 16, and meaning of each kind. */
const ICONS: Readonly<Record<string, readonly [path: string, meaning: string]>> = {
  d: ['M1.5 3.5h5l1.5 2h6.5v8h-13z', 'directory'],
  f: ['M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3', 'file'],
  l: ['M4 12 12 4M6 4h6v6', 'symbolic link'],
  h: ['M2 5h12M2 8h12M2 11h12', 'hard link'],
  b: ['M2 4h12v8H2zM2 8h12', 'block device'],
  c: ['M2 4h12v8H2zM6 4v8', 'character device'],
  p: ['M1 8h12M10 5l3 3-3 3', 'pipe'],
  s: ['M2 6h12M11 3l3 3M14 10H2M5 13l-3-3', 'socket'],
};

type SnapshotRoute = Extract<Route, { view: 'snapshot' }>;

export async function snapshotView(
  state: PageState,
  catalog: OpenedCatalog,
  route: SnapshotRoute,
): Promise<HTMLElement> {
  const { set, store, path, at } = route;
  const found = await catalog.client.ask('snapshots', { mediaSet: set, store, text: path });
  const snapshot = found.find((candidate) => candidate.path === path);
  if (!snapshot) return empty('This snapshot is not in the catalog.');
  const [needs, content] = await Promise.all([
    catalog.client.ask('neededTapes', [snapshot]),
    contentOf(catalog, snapshot, route, at),
  ]);
  return h(
    'div',
    { class: 'stack' },
    h(
      'ul',
      { class: 'crumbs' },
      h('li', {}, link({ view: 'snapshots', set: undefined, text: '' }, 'Snapshots')),
      h('li', {}, link({ view: 'set', uuid: set }, foreign(setOf(catalog, set)?.name ?? set))),
    ),
    h(
      'div',
      { class: 'heading' },
      h('h1', {}, foreign(groupText(snapshot))),
      h('span', { class: 'muted' }, time(snapshot.backupTime)),
    ),
    h('div', { class: 'split' }, h('div', { class: 'stack' }, content), side(state, snapshot, needs)),
  );
}

function side(state: PageState, snapshot: CatalogSnapshot, needs: RestoreNeeds): HTMLElement {
  const box = chooseBox(state, snapshot);
  box.id = 'choose-snapshot';
  return h(
    'aside',
    { class: 'card side', 'aria-label': 'Restore' },
    h(
      'div',
      { class: 'pad' },
      h('div', { class: 'toolbar' }, box, h('label', { for: 'choose-snapshot' }, 'Take into the restore list')),
      h('h2', {}, needs.tapes.length === 1 ? 'Tape needed' : 'Tapes needed'),
      neededList(needs),
      h('p', { class: 'muted' }, 'Datastore ', foreign(snapshot.store)),
    ),
  );
}

const NOT_LISTED: Readonly<Record<string, string>> = {
  encrypted: 'Its client encrypted the list of files. Export the catalog with --client-key to see them.',
  absent: 'The files inside are not listed: disk images and configuration files have no list.',
  'too-long': 'Its list of files is too long to be taken into the catalog.',
  damaged: 'Its list of files is damaged.',
};

async function contentOf(
  catalog: OpenedCatalog,
  snapshot: CatalogSnapshot,
  route: SnapshotRoute,
  at: string,
): Promise<(HTMLElement | false)[]> {
  const { root, store, path, state } = snapshot;
  const archives = await catalog.client.ask('archives', store, path);
  const list = archiveTable(archives);
  if (root === undefined) {
    const why =
      NOT_LISTED[state ?? ''] ?? 'Nobody looked into this snapshot yet: its datastore did not have it any more.';
    return [h('p', { class: 'notice' }, why), archives.length > 0 && list];
  }
  const steps = at === '' ? [] : await catalog.client.ask('findPath', root, at);
  const [name] = at.split('/').slice(steps.length);
  const sought = name ? await catalog.client.ask('findEntry', steps.at(-1)?.directory ?? root, name) : undefined;
  return [await directory(catalog, route, root, steps, sought), at === '' && list];
}

function archiveTable(archives: readonly { name: string; size: number; cryptMode: string }[]): HTMLElement {
  const columns = { name: { title: 'Archive', kind: 'lead' }, size: { title: 'Size', kind: 'right' } } as const;
  const { element, body } = table('Archives of the snapshot', Object.values(columns));
  for (const { name, size: bytes, cryptMode } of archives) {
    const encrypted = cryptMode === 'encrypt' ? h('span', { class: 'muted' }, ' · encrypted by its client') : undefined;
    body.append(h('tr', {}, cell(columns.name, foreign(name, 'mono'), encrypted), cell(columns.size, size(bytes))));
  }
  return element;
}

async function directory(
  catalog: OpenedCatalog,
  route: SnapshotRoute,
  root: number,
  steps: readonly PathStep[],
  sought: DirectoryEntry | undefined,
): Promise<HTMLElement> {
  const open = steps.at(-1)?.directory ?? root;
  const pathTo = (depth: number): string =>
    steps
      .slice(0, depth)
      .map(({ name }) => name)
      .join('/');
  const here = pathTo(steps.length);
  const columns = {
    name: { title: 'Name', kind: 'lead' },
    size: { title: 'Size', kind: 'right' },
    time: { title: 'Changed', kind: 'right' },
  } as const;
  const { element, body } = table('Files', Object.values(columns));
  const row = (entry: DirectoryEntry): HTMLElement =>
    h(
      'tr',
      { class: entry.id === sought?.id && 'sought' },
      cell(columns.name, entryName(entry, { ...route, at: here === '' ? entry.name : `${here}/${entry.name}` })),
      cell(columns.size, entry.kind === 'f' || entry.kind === 'd' ? size(entry.size) : '–'),
      entry.kind === 'd'
        ? cell({ ...columns.time, title: 'Holds' }, count(entry.files, 'file'))
        : cell(columns.time, entry.mtime === undefined ? '–' : time(entry.mtime)),
    );
  const first = await catalog.client.ask('directory', open, { limit: PAGE });
  const footer = growing(body, async (offset) => {
    const { entries } = offset === 0 ? first : await catalog.client.ask('directory', open, { offset, limit: PAGE });
    return { rows: entries.map(row), more: offset + entries.length < first.total };
  });
  element.append(footer);
  arrowKeys(element, () => {
    if (steps.length > 0) location.hash = addressOf({ ...route, at: pathTo(steps.length - 1) });
  });
  const crumbs = steps.map(({ name }, depth) => h('li', {}, link({ ...route, at: pathTo(depth + 1) }, foreign(name))));
  return h(
    'div',
    { class: 'stack' },
    h(
      'nav',
      { 'aria-label': 'Path' },
      h(
        'ol',
        { class: 'crumbs' },
        h('li', {}, link({ ...route, at: '' }, 'Files')),
        crumbs,
        h('li', {}, count(first.total, 'entry', 'entries')),
      ),
    ),
    sought && soughtLine(sought),
    first.total === 0 ? empty('This directory is empty.') : element,
  );
}

/** What a search led to may be far down in the list. */
const soughtLine = ({ name, size: bytes, mtime }: DirectoryEntry): HTMLElement =>
  h(
    'p',
    { class: 'notice' },
    'Here is ',
    foreign(name),
    `, ${size(bytes)}${mtime === undefined ? '' : `, changed ${time(mtime)}`}`,
  );

function entryName(entry: DirectoryEntry, route: SnapshotRoute): HTMLElement {
  const [shape, meaning] = ICONS[entry.kind] ?? ['M3 3h10v10H3z', 'unknown'];
  const name = foreign(entry.name);
  return h(
    'span',
    { class: 'entry' },
    svg('svg', { class: `icon ${entry.kind}`, viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d: shape })),
    entry.directory === undefined ? name : link(route, name),
    h('span', { class: 'hidden-text' }, `(${meaning})`),
  );
}
