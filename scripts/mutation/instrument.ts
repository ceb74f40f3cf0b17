/**
 * Puts all changes of a module into it, each behind a question whether it is the one that counts now: `(ask(7) ? a <= b : a < b)`.
 * Changes of one place stand in a row, changes inside of what another one replaces stay in the original.
 */
import type { Mutant } from './find_mutants.ts';

export interface NumberedMutant extends Mutant {
  readonly id: number;
}

/** Processes that tests start have no mutants. */
const ASK = 'globalThis.__isMutant?.';

export function instrument(text: string, mutants: readonly NumberedMutant[]): string {
  const byPlace = new Map<string, NumberedMutant[]>();
  for (const mutant of mutants) {
    const place = `${mutant.start}-${mutant.end}-${mutant.kind}`;
    byPlace.set(place, [...(byPlace.get(place) ?? []), mutant]);
  }
  // The outermost first; of the same place a statement around its expression.
  const places = [...byPlace.values()].sort(([a], [b]) => {
    const [first, second] = [a as NumberedMutant, b as NumberedMutant];
    return first.start - second.start || second.end - first.end || (first.kind === 'statement' ? -1 : 1);
  });
  return render(text, 0, text.length, places);
}

/** The text from `from` to `to`, with the places in it. */
function render(text: string, from: number, to: number, places: readonly NumberedMutant[][]): string {
  let result = '';
  let at = from;
  for (let index = 0; index < places.length; ) {
    const place = places[index] as NumberedMutant[];
    const { start, end } = place[0] as NumberedMutant;
    let next = index + 1;
    while (next < places.length && ((places[next] as NumberedMutant[])[0] as NumberedMutant).start < end) next++;
    result += text.slice(at, start) + switched(place, render(text, start, end, places.slice(index + 1, next)));
    at = end;
    index = next;
  }
  return result + text.slice(at, to);
}

function switched(place: readonly NumberedMutant[], original: string): string {
  const [first] = place as [NumberedMutant];
  // In a block of its own: an `else` that follows belongs to another `if`.
  if (first.kind === 'statement') return `{ if (!${ASK}(${first.id})) { ${original} } }`;
  if (first.kind === 'body') return ` if (${ASK}(${first.id})) return; ${original}`;
  const asked = place.map(({ id, replacement }) => `${ASK}(${id}) ? (${replacement}) : `).join('');
  return `(${asked}(${original}))`;
}
