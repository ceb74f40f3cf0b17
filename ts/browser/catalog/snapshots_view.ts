/** All snapshots, by media set and by what their names contain. */
import { h } from '../shared/dom.ts';
import { count } from '../shared/values.ts';
import { visible } from '../shared/visible.ts';
import { addressOf } from './routes.ts';
import { snapshotTable } from './snapshot_table.ts';
import type { OpenedCatalog, PageState } from './state.ts';

export async function snapshotsView(
  state: PageState,
  catalog: OpenedCatalog,
  set: string | undefined,
  text: string,
): Promise<HTMLElement> {
  const filter = { mediaSet: set, text };
  const found = await catalog.client.ask('countSnapshots', filter);
  const list = h('div', {}, snapshotTable(state, catalog, filter));
  const counted = h('span', { class: 'muted' }, count(found, 'snapshot'));
  const change = async (): Promise<void> => {
    const next = { mediaSet: sets.value || undefined, text: box.value.trim() };
    history.replaceState(null, '', addressOf({ view: 'snapshots', set: next.mediaSet, text: next.text }));
    list.replaceChildren(snapshotTable(state, catalog, next));
    counted.textContent = count(await catalog.client.ask('countSnapshots', next), 'snapshot');
  };
  const sets = h(
    'select',
    { 'aria-label': 'Media set', onchange: change },
    h('option', { value: '' }, 'All media sets'),
    catalog.sets.map(({ uuid, name, pool }) => h('option', { value: uuid }, `${visible(pool)}: ${visible(name)}`)),
  );
  sets.value = set ?? '';
  const box = h('input', {
    type: 'search',
    placeholder: 'Filter: store, namespace, group, date…',
    'aria-label': 'Filter snapshots',
    value: text,
    maxlength: 300,
    oninput: change,
  });
  return h(
    'div',
    { class: 'stack' },
    h('div', { class: 'heading' }, h('h1', {}, 'Snapshots'), counted),
    h('div', { class: 'toolbar' }, box, sets),
    list,
  );
}
