/** How many columns of a terminal a text takes: wide characters two, combining ones none. */
import { eastAsianWidth } from 'get-east-asian-width';

const ONLY_ASCII = /^[\x20-\x7e]*$/;
const TAKES_NO_COLUMN = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Emoji}\uFE0F/u;

let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): string[] {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** The width of one grapheme is that of its first character: what follows it combines with it. */
function graphemeWidth(grapheme: string): number {
  if (TAKES_NO_COLUMN.test(grapheme)) return 0;
  if (EMOJI.test(grapheme)) return 2;
  return eastAsianWidth(grapheme.codePointAt(0) ?? 0);
}

export function displayWidth(text: string): number {
  if (ONLY_ASCII.test(text)) return text.length;
  return graphemes(text).reduce((sum, grapheme) => sum + graphemeWidth(grapheme), 0);
}

/** The longest beginning of a text that fits. */
export function cutToWidth(text: string, columns: number): string {
  if (ONLY_ASCII.test(text)) return text.slice(0, columns);
  let width = 0;
  let cut = '';
  for (const grapheme of graphemes(text)) {
    width += graphemeWidth(grapheme);
    if (width > columns) break;
    cut += grapheme;
  }
  return cut;
}

/**
 * Text from tapes, catalogs and devices may hold anything. Control characters, and those that turn the direction of
 * writing, are shown as escapes so that they cannot move the cursor or disguise what is printed; line breaks stay.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    if (character === '\n') return character;
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
