/** One tape: what lies on it in which order, and what would be lost with it. */
import type { AffectedSnapshot } from '../../catalog/impact.ts';
import type { TapeFileSummary, TapeSummary } from '../../catalog/tapes.ts';
import { h, svg } from '../shared/dom.ts';
import { count, digits, size } from '../shared/values.ts';
import { visible } from '../shared/visible.ts';
import { fillOf } from './capacity.ts';
import { cell, facts, foreign, growing, keyBadge, link, table, whereBadge } from './parts.ts';
import { snapshotTable } from './snapshot_table.ts';
import type { OpenedCatalog, PageState } from './state.ts';

const BY = { archive: 'its archive', chunks: 'part of its data', perhaps: 'perhaps part of its data' } as const;
/** More of them would be too thin to be seen. */
const MOST_DRAWN = 4000;
const ROWS = 5;
const WIDTH = 1000;
const ROW_HEIGHT = 26;

export async function tapeView(state: PageState, catalog: OpenedCatalog, tape: TapeSummary): Promise<HTMLElement> {
  const [files, affected] = await Promise.all([
    catalog.client.ask('tapeFiles', tape.uuid),
    catalog.client.ask('affectedSnapshots', { media: tape.uuid }),
  ]);
  const { bytes, guessed, capacity } = fillOf(tape);
  return h(
    'div',
    { class: 'stack' },
    h(
      'ul',
      { class: 'crumbs' },
      h('li', {}, link({ view: 'tapes' }, 'Tapes')),
      tape.mediaSetUuid !== undefined &&
        h('li', {}, link({ view: 'set', uuid: tape.mediaSetUuid }, foreign(tape.mediaSetName ?? ''))),
    ),
    h('div', { class: 'heading' }, h('h1', {}, foreign(tape.labelText, 'mono')), whereBadge(tape.location, tape.slot)),
    tape.catalogProblem !== undefined && h('p', { class: 'notice bad' }, visible(tape.catalogProblem)),
    facts([
      ['Status', `${tape.status}${tape.expired ? ', expired' : ''}`],
      ['Pool', tape.pool === undefined ? 'none' : foreign(tape.pool)],
      ['Number in its set', tape.seqNr === undefined ? undefined : digits(tape.seqNr + 1)],
      ['Used', `${guessed ? '≈ ' : ''}${size(bytes)}${capacity === undefined ? '' : ` of ${size(capacity)}`}`],
      ['Snapshots', digits(tape.snapshots)],
      ['Chunks', digits(tape.chunks)],
      ['Encryption', keyBadge(tape.keyFingerprint, tape.keyHint) ?? 'none'],
      [
        'Key',
        tape.keyFingerprint === undefined ? undefined : h('span', { class: 'mono' }, visible(tape.keyFingerprint)),
        'widest',
      ],
      ['UUID', h('span', { class: 'mono' }, visible(tape.uuid)), 'wide'],
    ]),
    files.length > 0 && tapePicture(tape, files),
    tape.mediaSetUuid !== undefined && impact(affected, tape),
    tape.snapshots > 0 &&
      h(
        'section',
        { class: 'stack' },
        h('h2', {}, 'Snapshots on it'),
        snapshotTable(state, catalog, { media: tape.uuid }),
      ),
    files.length > 0 && unfolding('Files in order', () => fileTable(files)),
  );
}

/** What a file takes in the picture: its bytes, or what its chunks are likely to take. */
const weight = ({ bytes, chunks, kind }: TapeFileSummary): number =>
  bytes ?? (kind === 'chunks' ? chunks * (2 << 20) : 256 << 10);

/** The tape as a band in several rows, read like text, as its head passes over it. */
function tapePicture(tape: TapeSummary, files: readonly TapeFileSummary[]): HTMLElement {
  const { bytes, capacity } = fillOf(tape);
  const weights = files.reduce((sum, file) => sum + weight(file), 0);
  // Together the files take what the tape holds.
  const scale = Math.max(bytes, 1) / Math.max(weights, 1);
  const total = weights * scale;
  const whole = Math.max(total, capacity ?? total);
  const picture = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${ROWS * (ROW_HEIGHT + 6)}`,
    role: 'img',
    'aria-label': `${count(files.length, 'file')} on tape ${visible(tape.labelText)}, in order`,
  });
  const band = (from: number, to: number, kind: string, title: string): void => {
    // In row lengths.
    const [start, end] = [(from / whole) * ROWS, (to / whole) * ROWS];
    for (let row = Math.floor(start); row < Math.min(ROWS, end); row++) {
      const x = Math.max(0, start - row) * WIDTH;
      const width = Math.min(1, end - row) * WIDTH - x;
      const shape = {
        x,
        y: row * (ROW_HEIGHT + 6),
        width: Math.max(0.6, width - (width > 3 ? 1 : 0)),
        height: ROW_HEIGHT,
        class: kind,
      };
      picture.append(svg('rect', shape, svg('title', {}, title)));
    }
  };
  if (whole > total) band(total, whole, 'k-free', 'free');
  let at = 0;
  const step = Math.ceil(files.length / MOST_DRAWN);
  for (let first = 0; first < files.length; first += step) {
    const group = files.slice(first, first + step);
    const size = group.reduce((sum, file) => sum + weight(file), 0) * scale;
    band(at, at + size, `k-${group[0]?.kind}`, group.map(fileText).join('\n'));
    at += size;
  }
  const guessed = files.some(({ bytes }) => bytes === undefined);
  return h(
    'section',
    { class: 'card picture' },
    h('h2', {}, 'On the tape, from its beginning'),
    picture,
    h(
      'div',
      { class: 'legend' },
      h('span', {}, h('i', { class: 'k-chunks' }), 'data (chunk archives)'),
      h('span', {}, h('i', { class: 'k-snapshot' }), 'snapshots'),
      whole > total && h('span', {}, h('i', { class: 'k-free' }), 'free'),
      guessed && h('span', {}, 'Widths follow the number of chunks.'),
    ),
  );
}

function fileText({ fileNumber, kind, store, snapshot, chunks, bytes }: TapeFileSummary): string {
  const what = kind === 'chunks' ? count(chunks, 'chunk') : visible(snapshot ?? '');
  return `File ${fileNumber}: ${what} of ${visible(store ?? '')}${bytes === undefined ? '' : `, ${size(bytes)}`}`;
}

function impact(affected: readonly AffectedSnapshot[], tape: TapeSummary): HTMLElement {
  const alone = affected.filter(({ copies }) => copies.length === 0);
  const sentence =
    affected.length === 0
      ? 'No snapshot needs this tape.'
      : `Without this tape, ${count(affected.length, 'snapshot')} of its media set cannot be restored; ` +
        (alone.length === 0
          ? 'all of them are in other media sets, too.'
          : `${digits(alone.length)} of them are in no other media set.`);
  return h(
    'section',
    { class: 'stack' },
    h('h2', {}, 'If this tape were lost'),
    h('p', {}, sentence),
    affected.length > 0 && unfolding('Which ones', () => affectedTable(affected, tape)),
  );
}

function affectedTable(affected: readonly AffectedSnapshot[], tape: TapeSummary): HTMLElement {
  const columns = {
    snapshot: { title: 'Snapshot', kind: 'lead' },
    by: { title: 'On this tape' },
    copies: { title: 'Also on' },
  } as const;
  const { element, body } = table('Snapshots that need this tape', Object.values(columns));
  const footer = growing(body, async (offset) => ({
    rows: affected
      .slice(offset, offset + 100)
      .map(({ store, path, by, copies }) =>
        h(
          'tr',
          {},
          cell(
            columns.snapshot,
            link({ view: 'snapshot', set: tape.mediaSetUuid ?? '', store, path, at: '' }, foreign(`${store}:${path}`)),
          ),
          cell(columns.by, BY[by]),
          cell(
            columns.copies,
            copies.length === 0
              ? 'nothing in this catalog'
              : visible(copies.map(({ labelText }) => labelText).join(', ')),
          ),
        ),
      ),
    more: offset + 100 < affected.length,
  }));
  element.append(footer);
  return element;
}

/** Made when somebody wants to see it. */
function unfolding(title: string, make: () => HTMLElement): HTMLElement {
  const details = h(
    'details',
    {
      ontoggle: () => {
        if (details.open && details.childElementCount === 1) details.append(make());
      },
    },
    h('summary', {}, title),
  );
  return details;
}

function fileTable(files: readonly TapeFileSummary[]): HTMLElement {
  const columns = {
    number: { title: 'File', kind: 'tight' },
    what: { title: 'Holds' },
    store: { title: 'Datastore' },
    size: { title: 'Size', kind: 'right' },
  } as const;
  const { element, body } = table('Files of the tape', Object.values(columns));
  const footer = growing(body, async (offset) => ({
    rows: files
      .slice(offset, offset + 100)
      .map(({ fileNumber, kind, chunks, snapshot, store, bytes }) =>
        h(
          'tr',
          {},
          cell(columns.number, digits(fileNumber)),
          cell(columns.what, kind === 'chunks' ? count(chunks, 'chunk') : foreign(snapshot ?? '')),
          cell(columns.store, foreign(store ?? '')),
          cell(columns.size, bytes === undefined ? '–' : size(bytes)),
        ),
      ),
    more: offset + 100 < files.length,
  }));
  element.append(footer);
  return element;
}
