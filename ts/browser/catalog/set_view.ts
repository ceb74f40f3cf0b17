/** One media set: its tapes, and how it grew over time. */
import type { CatalogSnapshot } from '../../catalog/snapshots.ts';
import type { MediaSetSummary, TapeSummary } from '../../catalog/tapes.ts';
import { h, svg } from '../shared/dom.ts';
import { count, day, digits, size } from '../shared/values.ts';
import { visible } from '../shared/visible.ts';
import { facts, foreign, keyBadge, link } from './parts.ts';
import { cartridge } from './shelf.ts';
import { snapshotTable } from './snapshot_table.ts';
import type { OpenedCatalog, PageState } from './state.ts';

const COLOURS = 8;
/** Bars of the picture over time. */
const BINS = 64;

export async function setView(state: PageState, catalog: OpenedCatalog, set: MediaSetSummary): Promise<HTMLElement> {
  const tapes = catalog.tapes.filter(({ mediaSetUuid }) => mediaSetUuid === set.uuid);
  const snapshots = await catalog.client.ask('snapshots', { mediaSet: set.uuid }, { limit: 20_000 });
  return h(
    'div',
    { class: 'stack' },
    h('ul', { class: 'crumbs' }, h('li', {}, link({ view: 'tapes' }, 'Tapes')), h('li', {}, foreign(set.pool))),
    h('h1', {}, foreign(set.name)),
    facts([
      ['Started', day(set.ctime)],
      ['Tapes', digits(set.tapes)],
      ['Snapshots', digits(set.snapshots)],
      ['Chunks', digits(set.chunks)],
      ['Used', set.bytesUsed === undefined ? undefined : size(set.bytesUsed)],
      ['Encryption', keyBadge(set.keyFingerprint, set.keyHint) ?? 'none'],
      ['UUID', h('span', { class: 'mono' }, set.uuid), 'wide'],
    ]),
    snapshots.length > 1 && overTime(tapes, snapshots),
    h('section', {}, h('h2', {}, 'Tapes of the set'), h('ul', { class: 'shelf' }, tapes.map(cartridge))),
    h('section', { class: 'stack' }, h('h2', {}, 'Snapshots'), snapshotTable(state, catalog, { mediaSet: set.uuid })),
  );
}

/** Snapshots per stretch of time, one colour per tape. */
function overTime(tapes: readonly TapeSummary[], snapshots: readonly CatalogSnapshot[]): HTMLElement {
  const times = snapshots.map(({ backupTime }) => backupTime);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const span = Math.max(1, last - first);
  const numbers = new Map(tapes.map(({ uuid }, number) => [uuid, number]));
  const bins = Array.from({ length: BINS }, () => new Map<number, number>());
  for (const { backupTime, mediaUuid } of snapshots) {
    const bin = bins[Math.min(BINS - 1, Math.floor(((backupTime - first) / span) * BINS))];
    const tape = numbers.get(mediaUuid) ?? 0;
    bin?.set(tape, (bin.get(tape) ?? 0) + 1);
  }
  const highest = Math.max(...bins.map((bin) => [...bin.values()].reduce((sum, number) => sum + number, 0)));
  const picture = svg('svg', {
    viewBox: '0 0 1000 190',
    role: 'img',
    'aria-label': `${count(snapshots.length, 'snapshot')} from ${day(first)} to ${day(last)}`,
  });
  for (const [at, bin] of bins.entries()) {
    let y = 160;
    for (const [tape, number] of [...bin].sort(([a], [b]) => a - b)) {
      const height = (number / highest) * 145;
      y -= height;
      const label = `${visible(tapes[tape]?.labelText ?? '')}: ${count(number, 'snapshot')} around ${day(first + (span * (at + 0.5)) / BINS)}`;
      picture.append(
        svg(
          'rect',
          {
            x: (at * 1000) / BINS + 1,
            y,
            width: 1000 / BINS - 2,
            height: Math.max(1, height - 0.5),
            rx: 2,
            class: `t${tape % COLOURS}`,
          },
          svg('title', {}, label),
        ),
      );
    }
  }
  picture.append(
    svg('rect', { x: 0, y: 161, width: 1000, height: 1.2, class: 'k-free' }),
    svg('text', { x: 0, y: 180, class: 'axis' }, day(first)),
    svg('text', { x: 1000, y: 180, class: 'axis', 'text-anchor': 'end' }, day(last)),
  );
  const legend = tapes
    .slice(0, 24)
    .map(({ labelText }, number) =>
      h('span', {}, h('i', { class: `t${number % COLOURS}` }), foreign(labelText, 'mono')),
    );
  return h(
    'section',
    { class: 'card picture' },
    h('h2', {}, 'Snapshots over time'),
    picture,
    h('div', { class: 'legend' }, legend, tapes.length > 24 && h('span', {}, `and ${tapes.length - 24} more`)),
  );
}
