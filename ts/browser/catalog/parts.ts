/** Pieces that several views show: where a tape is, its key, tables, links, lists that grow. */
import { h, svg } from '../shared/dom.ts';
import { visible } from '../shared/visible.ts';
import { addressOf, type Route } from './routes.ts';

/** Text from a tape. Its direction of writing stays its own. */
export const foreign = (text: string, kind = 'name'): HTMLElement => h('bdi', { class: kind }, visible(text));

export const link = (route: Route, ...children: (Node | string)[]): HTMLAnchorElement =>
  h('a', { href: addressOf(route) }, ...children);

/** `online-<changer>`, `vault-<vault>` or `offline`, in words. */
export function whereText(location: string, slot: number | undefined): string {
  const online = /^online-(.*)$/s.exec(location);
  if (online) return `${visible(online[1] ?? '')}${slot === undefined ? '' : `, slot ${slot}`}`;
  const vault = /^vault-(.*)$/s.exec(location);
  return vault ? `vault ${visible(vault[1] ?? '')}` : 'on a shelf';
}

export function whereBadge(location: string, slot: number | undefined): HTMLElement {
  const kind = /^(online|vault)-/.exec(location)?.[1] ?? 'offline';
  return h('span', { class: `badge ${kind}` }, whereText(location, slot));
}

export function keyBadge(fingerprint: string | undefined, hint: string | undefined): HTMLElement | undefined {
  if (fingerprint === undefined) return undefined;
  const name = hint ? `“${visible(hint)}”` : visible(fingerprint.slice(0, 23));
  const lock = svg(
    'svg',
    { viewBox: '0 0 16 18', 'aria-hidden': 'true' },
    svg('path', { d: 'M3 8V6a5 5 0 0 1 10 0v2h1v9H2V8zm2 0h6V6a3 3 0 0 0-6 0z' }),
  );
  return h(
    'span',
    { class: 'badge key', title: `Encrypted with key ${visible(fingerprint)}` },
    lock,
    h('span', {}, name),
  );
}

export interface ColumnDeclaration {
  title: string;
  /** `lead` stands above the others on small screens, and needs no title there. */
  kind?: 'right' | 'tight' | 'lead';
  /** For readers of the screen alone. */
  silent?: boolean;
}

/** An empty table; rows are added to its body. */
export function table(caption: string, columns: readonly ColumnDeclaration[]) {
  const body = h('tbody');
  const heads = columns.map(({ title, kind, silent }) =>
    h('th', { scope: 'col', class: kind }, silent ? h('span', { class: 'hidden-text' }, title) : title),
  );
  const element = h(
    'table',
    { class: 'rows' },
    h('caption', { class: 'hidden-text' }, caption),
    h('thead', {}, h('tr', {}, heads)),
    body,
  );
  return { element: h('div', { class: 'card scroller' }, element), body };
}

export function cell(column: ColumnDeclaration, ...children: (Node | string | undefined)[]): HTMLTableCellElement {
  return h('td', { class: column.kind, 'data-label': column.silent ? undefined : column.title }, ...children);
}

export const empty = (text: string): HTMLElement => h('div', { class: 'card empty' }, text);

type Fact = readonly [name: string, value: Node | string | undefined, width?: 'wide' | 'widest' | undefined];

export function facts(entries: readonly Fact[]): HTMLElement {
  const shown = entries.filter(([, value]) => value !== undefined);
  return h(
    'dl',
    { class: 'card facts' },
    shown.map(([name, value, width]) => h('div', { class: width }, h('dt', {}, name), h('dd', {}, value))),
  );
}

/** Rows are fetched when somebody comes near the end of what is there. */
export function growing(
  body: HTMLElement,
  fetch: (offset: number) => Promise<{ rows: Node[]; more: boolean }>,
): HTMLElement {
  const button = h('button', { type: 'button' }, 'Show more');
  const footer = h('div', { class: 'more', hidden: true }, button);
  let busy = false;
  const grow = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    const { rows, more } = await fetch(body.childElementCount);
    body.append(...rows);
    footer.hidden = !more;
    busy = false;
  };
  button.addEventListener('click', grow);
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) void grow();
  }).observe(footer);
  void grow();
  return footer;
}
