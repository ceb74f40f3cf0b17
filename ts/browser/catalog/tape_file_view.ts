/** What a tape file holds (`tapefile-*` of a virtual drive, or an image of one), without a server and without a catalog. */
import init, { type TapeFile, TapeFileReader } from '#wasm';
import { h } from '../shared/dom.ts';
import { embeddedBytes } from '../shared/embedded.ts';
import { count, digits, size, time } from '../shared/values.ts';
import { visible } from '../shared/visible.ts';
import { cell, facts, foreign, table } from './parts.ts';
import type { PageState } from './state.ts';

/** Read at once. */
const PIECE_BYTES = 8 << 20;
/** Chunks that are listed. */
const MOST_CHUNKS = 2000;
/** Reading more would take minutes in a page. */
const LARGEST_FILE_BYTES = 64e9;

let ready: Promise<unknown> | undefined;

async function describe(file: File): Promise<TapeFile> {
  if (file.size > LARGEST_FILE_BYTES) throw new Error(`it has ${size(file.size)}, more than this page reads`);
  ready ??= embeddedBytes('ferrite-wasm').then((bytes) => init({ module_or_path: bytes }));
  await ready;
  const reader = new TapeFileReader();
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    reader.push(new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()));
  }
  return reader.finish() as TapeFile;
}

export function tapeFileView(state: PageState): HTMLElement {
  const results = h('div', { class: 'stack' });
  for (const file of state.tapeFiles) {
    const place = h(
      'section',
      { class: 'stack' },
      h('h2', {}, foreign(file.name, 'mono')),
      h('p', { class: 'muted' }, 'Reading…'),
    );
    results.append(place);
    describe(file).then(
      (found) => place.replaceChildren(h('h2', {}, foreign(file.name, 'mono')), ...described(file, found)),
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        place.replaceChildren(
          h('h2', {}, foreign(file.name, 'mono')),
          h('p', { class: 'notice bad' }, `This cannot be read as a tape file: ${visible(reason)}`),
        );
      },
    );
  }
  return h(
    'div',
    { class: 'stack' },
    h(
      'div',
      { class: 'heading' },
      h('h1', {}, 'Tape files'),
      h('span', { class: 'grow' }),
      h('button', { type: 'button', class: 'primary', onclick: () => state.chooseFile() }, 'Open tape files…'),
    ),
    state.tapeFiles.length === 0
      ? h(
          'div',
          { class: 'card empty' },
          'Drop files of a virtual tape here (tapefile-0-NAME.json and so on), or images of tape files: the page tells what they hold. Nothing leaves this computer.',
        )
      : results,
  );
}

const ENDS: Readonly<Record<string, string>> = {
  complete: 'complete',
  incomplete: 'cut off by the end of its tape',
  'no-end-marker': 'its writer was interrupted',
};

function described(file: File, found: TapeFile): HTMLElement[] {
  const { kind, uuid, ctime, end, blocks, header } = found;
  const fields = Object.entries(header).map(([name, value]) => {
    const isTime = name === 'ctime' && typeof value === 'number';
    const text = isTime ? time(value) : typeof value === 'string' ? value : JSON.stringify(value);
    return [visible(name), visible(text), text.length > 24 ? 'wide' : undefined] as const;
  });
  const parts = [
    facts([
      ['Holds', kind],
      ['Written', time(ctime)],
      ['End', ENDS[end] ?? end],
      ['Size', `${size(file.size)}, ${count(blocks, 'block')}`],
      ...fields,
      ['Content UUID', h('span', { class: 'mono' }, uuid), 'wide'],
    ]),
  ];
  if (found.files)
    parts.push(
      list(
        'Files of the snapshot',
        ['File', 'Size', 'Changed'],
        found.files.map((entry) => [foreign(entry.name, 'mono'), size(entry.size), time(entry.mtime)]),
      ),
    );
  if (found.catalog) {
    const { snapshots, archives } = found.catalog;
    parts.push(
      list(
        'Snapshots in the catalog',
        ['Tape file', 'Snapshot'],
        snapshots.map((entry) => [digits(entry.fileNumber), foreign(`${entry.store}:${entry.snapshot}`)]),
      ),
    );
    parts.push(
      list(
        'Chunk archives in the catalog',
        ['Tape file', 'Datastore', 'Chunks'],
        archives.map((entry) => [digits(entry.fileNumber), foreign(entry.store), digits(entry.chunks)]),
      ),
    );
  }
  if (found.chunks) {
    const shown = found.chunks.slice(0, MOST_CHUNKS);
    const title = `${count(found.chunks.length, 'chunk')}${shown.length < found.chunks.length ? `, the first ${digits(shown.length)} are shown` : ''}`;
    parts.push(
      h(
        'details',
        {},
        h('summary', {}, title),
        list(
          'Chunks',
          ['Digest', 'Size'],
          shown.map(({ digest, size: bytes }) => [h('span', { class: 'mono' }, digest), size(bytes)]),
        ),
      ),
    );
  }
  return parts;
}

function list(title: string, heads: readonly string[], rows: readonly (readonly (Node | string)[])[]): HTMLElement {
  const columns = heads.map((head) => ({ title: head }));
  const { element, body } = table(title, columns);
  body.append(
    ...rows.map((row) =>
      h(
        'tr',
        {},
        row.map((value, at) => cell(columns[at] ?? { title: '' }, value)),
      ),
    ),
  );
  return h('div', { class: 'stack' }, h('h3', {}, title), element);
}
