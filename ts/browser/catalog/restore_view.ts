/** What was chosen for a restore: the tapes to fetch, and the list that the command takes. */
import type { ChosenSnapshot } from '../../catalog/snapshots.ts';
import { h } from '../shared/dom.ts';
import { count } from '../shared/values.ts';
import { visible } from '../shared/visible.ts';
import { restoreList, saveText } from './choice.ts';
import { neededList } from './needed.ts';
import { cell, empty, foreign, link, table } from './parts.ts';
import type { OpenedCatalog, PageState } from './state.ts';
import { setOf } from './state.ts';

export async function restoreView(state: PageState, catalog: OpenedCatalog): Promise<HTMLElement> {
  const { choice } = state;
  const bySet = new Map<string, ChosenSnapshot[]>();
  for (const snapshot of choice.all) {
    bySet.set(snapshot.mediaSetUuid, [...(bySet.get(snapshot.mediaSetUuid) ?? []), snapshot]);
  }
  const sections = await Promise.all([...bySet].map(([set, chosen]) => setSection(state, catalog, set, chosen)));
  return h(
    'div',
    { class: 'stack' },
    h(
      'div',
      { class: 'heading' },
      h('h1', {}, 'Restore list'),
      h('span', { class: 'muted grow' }, count(choice.size, 'snapshot')),
      choice.size > 0 && h('button', { type: 'button', onclick: () => choice.clear() }, 'Clear'),
    ),
    choice.size === 0 ? empty('Tick snapshots to collect them here: the page tells which tapes they need.') : sections,
  );
}

async function setSection(
  { choice }: PageState,
  catalog: OpenedCatalog,
  set: string,
  chosen: readonly ChosenSnapshot[],
): Promise<HTMLElement> {
  const needs = await catalog.client.ask('neededTapes', chosen);
  const name = setOf(catalog, set)?.name ?? set;
  const file = `restore-${set.slice(0, 8)}.json`;
  const columns = {
    snapshot: { title: 'Snapshot', kind: 'lead' },
    remove: { title: 'Remove', kind: 'tight', silent: true },
  } as const;
  const { element, body } = table('Chosen snapshots', Object.values(columns));
  for (const snapshot of chosen) {
    const { store, path } = snapshot;
    const text = visible(`${store}:${path}`);
    body.append(
      h(
        'tr',
        {},
        cell(columns.snapshot, link({ view: 'snapshot', set, store, path, at: '' }, foreign(`${store}:${path}`))),
        cell(
          columns.remove,
          h(
            'button',
            { type: 'button', 'aria-label': `Remove ${text}`, onclick: () => choice.set(snapshot, false) },
            '✕',
          ),
        ),
      ),
    );
  }
  return h(
    'section',
    { class: 'stack' },
    h('h2', {}, 'Media set ', foreign(name)),
    h(
      'div',
      { class: 'split' },
      h(
        'div',
        { class: 'stack' },
        element,
        h(
          'div',
          { class: 'toolbar' },
          h(
            'button',
            {
              type: 'button',
              class: 'primary',
              onclick: () => saveText(file, 'application/json', restoreList(set, chosen)),
            },
            'Save restore list',
          ),
          h('span', { class: 'muted' }, 'Then, on the server:'),
        ),
        h('code', { class: 'command' }, `proxmox-tape restore ${set} DATASTORE --list ${file}`),
      ),
      h(
        'aside',
        { class: 'card side', 'aria-label': 'Tapes needed' },
        h('div', { class: 'pad' }, h('h3', {}, `${count(needs.tapes.length, 'tape')} needed`), neededList(needs)),
      ),
    ),
  );
}
