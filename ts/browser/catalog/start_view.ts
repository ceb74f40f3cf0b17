/** What the page shows before it has a catalog. */
import { h } from '../shared/dom.ts';
import type { PageState } from './state.ts';

export function startView(state: PageState): HTMLElement {
  return h(
    'section',
    { class: 'card welcome' },
    h('h1', {}, 'Which tape is it on?'),
    h(
      'p',
      { class: 'muted' },
      'Browse and search everything that is on tape, without a server. Nothing leaves this computer.',
    ),
    h(
      'div',
      { class: 'target' },
      h('p', {}, 'Drop an exported catalog here, or'),
      h('button', { type: 'button', class: 'primary', onclick: () => state.chooseFile() }, 'Open a catalog…'),
    ),
    h('p', { class: 'muted' }, 'The server writes one with:'),
    h('pre', {}, 'proxmox-tape catalog export archive.sqlite'),
  );
}
