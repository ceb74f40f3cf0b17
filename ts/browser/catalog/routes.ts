/** Addresses of the parts of the page, behind the `#`: so that back and forward work, and links can be kept. */

export type Route =
  | { view: 'start' }
  | { view: 'tapes' }
  | { view: 'set'; uuid: string }
  | { view: 'tape'; uuid: string }
  | { view: 'snapshots'; set: string | undefined; text: string }
  | { view: 'snapshot'; set: string; store: string; path: string; at: string }
  | { view: 'search'; text: string }
  | { view: 'restore' }
  | { view: 'tape-file' }
  | { view: 'labels' };

const join = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

export function addressOf(route: Route): string {
  switch (route.view) {
    case 'start':
      return '#/';
    case 'set':
    case 'tape':
      return join(route.view, route.uuid);
    case 'snapshots':
      return join('snapshots', route.set ?? '', route.text);
    case 'snapshot':
      return join('snapshot', route.set, route.store, route.path, route.at);
    case 'search':
      return join('search', route.text);
    default:
      return join(route.view);
  }
}

export function parseAddress(hash: string): Route {
  const [view = '', ...parts] = hash.replace(/^#\/?/, '').split('/').map(decode);
  const [first = '', second = '', third = '', fourth = ''] = parts;
  switch (view) {
    case 'tapes':
    case 'restore':
    case 'tape-file':
    case 'labels':
      return { view };
    case 'set':
    case 'tape':
      return { view, uuid: first };
    case 'snapshots':
      return { view, set: first || undefined, text: second };
    case 'snapshot':
      return { view, set: first, store: second, path: third, at: fourth };
    case 'search':
      return { view, text: first };
    default:
      return { view: 'start' };
  }
}

/** Addresses are typed and mangled by people. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
