/** Snapshots as a list that grows while it is read, each with a box to choose it for a restore. */
import type { CatalogSnapshot, SnapshotFilter } from '../../catalog/snapshots.ts';
import { h } from '../shared/dom.ts';
import { size, time } from '../shared/values.ts';
import { visible } from '../shared/visible.ts';
import { cell, foreign, growing, link, table } from './parts.ts';
import type { OpenedCatalog, PageState } from './state.ts';
import { setOf } from './state.ts';

const PAGE = 100;

const COLUMNS = {
  choose: { title: 'For restore', kind: 'tight', silent: true },
  snapshot: { title: 'Snapshot', kind: 'lead' },
  time: { title: 'Time', kind: 'tight' },
  store: { title: 'Datastore' },
  set: { title: 'Media set' },
  tape: { title: 'Tape', kind: 'tight' },
  size: { title: 'Size', kind: 'right' },
} as const;

export function snapshotTable(state: PageState, catalog: OpenedCatalog, filter: SnapshotFilter): HTMLElement {
  const { element, body } = table('Snapshots', Object.values(COLUMNS));
  const nothing = h('div', { class: 'empty', hidden: true }, 'No snapshot fits.');
  const footer = growing(body, async (offset) => {
    const found = await catalog.client.ask('snapshots', filter, { offset, limit: PAGE + 1 });
    nothing.hidden = offset + found.length > 0;
    return { rows: found.slice(0, PAGE).map((snapshot) => row(state, catalog, snapshot)), more: found.length > PAGE };
  });
  element.append(nothing, footer);
  return element;
}

/** `ns/a` is shown in front of the group. */
export const groupText = ({ namespace, backupType, backupId }: CatalogSnapshot): string =>
  `${namespace === '' ? '' : `${namespace}/`}${backupType}/${backupId}`;

function row(state: PageState, catalog: OpenedCatalog, snapshot: CatalogSnapshot): HTMLElement {
  const { mediaSetUuid, store, path, backupTime, bytes, labelText, mediaUuid } = snapshot;
  return h(
    'tr',
    {},
    cell(COLUMNS.choose, chooseBox(state, snapshot)),
    cell(
      COLUMNS.snapshot,
      link({ view: 'snapshot', set: mediaSetUuid, store, path, at: '' }, foreign(groupText(snapshot))),
      snapshot.state === 'encrypted' ? h('span', { class: 'muted' }, ' · encrypted by its client') : undefined,
    ),
    cell(COLUMNS.time, time(backupTime)),
    cell(COLUMNS.store, foreign(store)),
    cell(
      COLUMNS.set,
      link({ view: 'set', uuid: mediaSetUuid }, foreign(setOf(catalog, mediaSetUuid)?.name ?? mediaSetUuid)),
    ),
    cell(COLUMNS.tape, link({ view: 'tape', uuid: mediaUuid }, foreign(labelText, 'mono'))),
    cell(COLUMNS.size, bytes === undefined ? '–' : size(bytes)),
  );
}

export function chooseBox(
  { choice }: PageState,
  snapshot: Pick<CatalogSnapshot, 'mediaSetUuid' | 'store' | 'path'>,
): HTMLInputElement {
  const box = h('input', {
    type: 'checkbox',
    'aria-label': `Restore ${visible(`${snapshot.store}:${snapshot.path}`)}`,
    onchange: () => choice.set(snapshot, box.checked),
  });
  box.checked = choice.has(snapshot);
  return box;
}
