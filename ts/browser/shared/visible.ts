/**
 * Names from tapes, made safe to look at. They are hostile: control characters, marks that turn the direction of writing
 * round and so make `gpj.exe` look like `exe.jpg`, and 4 KiB without a place to break. They are put into the page as text
 * only, never as markup.
 */

/** Longest text that is shown; more of it tells nobody anything. */
const LONGEST = 400;

/** Ranges of marks that have no shape, or that reorder what is around them. */
const INVISIBLE: readonly (readonly [first: number, last: number])[] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0xe0000, 0xe0fff],
];

function shownCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (!INVISIBLE.some(([first, last]) => first <= code && code <= last)) return character;
  return `‹U+${code.toString(16).toUpperCase().padStart(4, '0')}›`;
}

/** `‹U+000A›` for a newline, `‹U+202E›` for a mark; the middle of what is too long is left out. */
export function visible(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST - 80)} … ${text.slice(-60)}` : text;
  return /^[\x20-\x7e]*$/.test(cut) ? cut : Array.from(cut, shownCharacter).join('');
}
