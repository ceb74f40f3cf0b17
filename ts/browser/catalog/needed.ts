/** Which tapes a restore needs, and where they are. */
import type { NeededTape, RestoreNeeds } from '../../catalog/snapshots.ts';
import { h } from '../shared/dom.ts';
import { size } from '../shared/values.ts';
import { foreign, keyBadge, link, whereBadge } from './parts.ts';

export function neededList({ tapes, incomplete, missing }: RestoreNeeds): HTMLElement {
  return h(
    'div',
    { class: 'stack' },
    h('ul', { class: 'plain' }, tapes.map(neededTape)),
    incomplete.length > 0 &&
      h(
        'p',
        { class: 'notice bad' },
        'Some of the data is on no known tape of the media set: it cannot be restored whole.',
      ),
    missing.length > 0 && h('p', { class: 'notice bad' }, 'Not everything that was chosen is in this catalog.'),
  );
}

function neededTape(tape: NeededTape): HTMLElement {
  const amount = tape.certain ? (tape.bytes > 0 ? size(tape.bytes) : 'its archive') : 'perhaps';
  return h(
    'li',
    {},
    h(
      'div',
      { class: 'heading' },
      link({ view: 'tape', uuid: tape.mediaUuid }, foreign(tape.labelText, 'mono')),
      h('span', { class: 'muted' }, amount),
    ),
    h(
      'div',
      { class: 'toolbar' },
      whereBadge(tape.location, tape.slot),
      ...(keyBadge(tape.keyFingerprint, tape.keyHint)
        ? [keyBadge(tape.keyFingerprint, tape.keyHint) as HTMLElement]
        : []),
    ),
  );
}
