/** All tapes, by pool and media set, as they would stand on a shelf. */
import type { MediaSetSummary, TapeSummary } from '../../catalog/tapes.ts';
import { h } from '../shared/dom.ts';
import { count, day, digits, size } from '../shared/values.ts';
import { visible } from '../shared/visible.ts';
import { fillOf } from './capacity.ts';
import { empty, foreign, keyBadge, link, whereText } from './parts.ts';
import { addressOf } from './routes.ts';
import type { OpenedCatalog } from './state.ts';

export function shelfView(catalog: OpenedCatalog): HTMLElement {
  const { about, pools, tapes } = catalog;
  const exported = about.exported === undefined ? '' : `, exported on ${day(Number(about.exported))}`;
  return h(
    'div',
    { class: 'stack' },
    h(
      'div',
      { class: 'heading' },
      h('h1', {}, 'Tapes'),
      h('span', { class: 'muted' }, `${count(tapes.length, 'tape')} in ${count(pools.length, 'pool')}${exported}`),
    ),
    tapes.length === 0
      ? empty('There are no tapes in this catalog.')
      : pools.map(({ pool }) => poolCard(catalog, pool)),
  );
}

function poolCard({ sets, tapes }: OpenedCatalog, pool: string | undefined): HTMLElement {
  const own = sets.filter((set) => set.pool === pool);
  const free = tapes.filter((tape) => tape.pool === pool && tape.mediaSetUuid === undefined);
  return h(
    'section',
    { class: 'card pool' },
    h(
      'div',
      { class: 'heading' },
      h('h2', {}, pool === undefined ? 'In no pool' : foreign(pool)),
      h('span', { class: 'muted' }, count(own.length, 'media set')),
    ),
    own.map((set) =>
      setRow(
        set,
        tapes.filter(({ mediaSetUuid }) => mediaSetUuid === set.uuid),
      ),
    ),
    free.length > 0 &&
      h(
        'div',
        { class: 'set' },
        h('h3', { class: 'muted' }, `Empty ${free.length === 1 ? 'tape' : 'tapes'}`),
        h('ul', { class: 'shelf' }, free.map(cartridge)),
      ),
  );
}

function setRow(set: MediaSetSummary, tapes: readonly TapeSummary[]): HTMLElement {
  return h(
    'div',
    { class: 'set' },
    h(
      'div',
      { class: 'heading' },
      h('h3', {}, link({ view: 'set', uuid: set.uuid }, foreign(set.name))),
      h('span', { class: 'muted' }, `${count(set.snapshots, 'snapshot')}, ${count(set.chunks, 'chunk')}`),
      keyBadge(set.keyFingerprint, set.keyHint),
    ),
    h('ul', { class: 'shelf' }, tapes.map(cartridge)),
  );
}

/** One tape: its label as on the cartridge, how full it is, and where. */
export function cartridge(tape: TapeSummary): HTMLElement {
  const { bytes, share, guessed } = fillOf(tape);
  const level = h('span');
  level.style.width = `${Math.round((share ?? (bytes > 0 ? 0.5 : 0)) * 100)}%`;
  if (share === undefined) level.style.opacity = '0.45';
  const amount = bytes === 0 ? 'empty' : `${guessed ? '≈ ' : ''}${size(bytes)}`;
  const number = tape.seqNr === undefined ? '' : `#${digits(tape.seqNr + 1)}`;
  return h(
    'li',
    {},
    h(
      'a',
      { class: 'cartridge', href: addressOf({ view: 'tape', uuid: tape.uuid }), title: visible(tape.labelText) },
      h('span', { class: 'label' }, foreign(tape.labelText, ''), h('span', {}, number)),
      h('span', { class: 'fill', 'aria-hidden': 'true' }, level),
      h('span', { class: 'foot' }, h('span', {}, amount), h('span', {}, whereText(tape.location, tape.slot))),
      statusLine(tape),
    ),
  );
}

function statusLine(tape: TapeSummary): HTMLElement | undefined {
  if (tape.catalogProblem !== undefined) return h('span', { class: 'badge bad' }, 'catalog missing');
  if (['damaged', 'retired'].includes(tape.status)) return h('span', { class: 'badge bad' }, tape.status);
  return tape.expired ? h('span', { class: 'badge' }, 'expired') : undefined;
}
