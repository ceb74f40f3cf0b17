/**
 * The words of commands. Every level accepts any unambiguous prefix of a word (cli.md 1). A command may also have
 * commands below it: `catalog` and `catalog export`.
 */
import { closest } from './closest.ts';
import type { Command } from './command.ts';
import { UsageError } from './usage_error.ts';

export interface CommandEntry {
  /** The module of the command; loaded only when it runs. */
  readonly load: () => Promise<{ default: Command }>;
  /** Another name of a command: accepted, not listed. */
  readonly aliasOf?: string;
}

/** All commands of a program by their words: `'drive create': { load: () => import('./drive/create.ts') }`. */
export type CommandIndex = Readonly<Record<string, CommandEntry>>;

export interface CommandNode {
  readonly path: readonly string[];
  readonly entry?: CommandEntry;
  readonly children: ReadonlyMap<string, CommandNode>;
}

interface GrowingNode extends CommandNode {
  entry?: CommandEntry;
  readonly children: Map<string, GrowingNode>;
}

export function growTree(index: CommandIndex): CommandNode {
  const root: GrowingNode = { path: [], children: new Map() };
  for (const [words, entry] of Object.entries(index)) {
    let node = root;
    for (const word of words.split(' ')) {
      const child = node.children.get(word) ?? { path: [...node.path, word], children: new Map() };
      node.children.set(word, child);
      node = child;
    }
    node.entry = entry;
  }
  return root;
}

/** The real commands behind the words that `word` may stand for; aliases count only where nothing else fits. */
function candidates(node: CommandNode, word: string): CommandNode[] {
  const exact = node.children.get(word);
  if (exact) return [exact];
  const fitting = [...node.children.values()].filter((child) => child.path.at(-1)?.startsWith(word));
  const listed = fitting.filter((child) => !child.entry?.aliasOf);
  return listed.length > 0 ? listed : fitting;
}

export interface Resolved {
  readonly node: CommandNode;
  /** How many of the words named the node. */
  readonly used: number;
}

/**
 * Walks down as far as words name commands. Stops at the first option, at the first word that is a positional of a
 * command, and at the end; throws where a word cannot be anything.
 */
export function resolveWords(root: CommandNode, words: readonly string[]): Resolved {
  let node = root;
  for (const [used, word] of words.entries()) {
    if (node.children.size === 0 || word === '' || word.startsWith('-')) return { node, used };
    const [first, ...others] = candidates(node, word);
    if (first && others.length === 0) {
      node = first;
    } else if (node.entry) {
      return { node, used };
    } else {
      throw unknownWord(node, word, first ? [first, ...others] : []);
    }
  }
  return { node, used: words.length };
}

function unknownWord(node: CommandNode, word: string, fitting: readonly CommandNode[]): UsageError {
  if (fitting.length > 0) {
    const names = fitting.map((child) => child.path.at(-1)).join(', ');
    return new UsageError(`ambiguous command '${word}': ${names}`, node.path);
  }
  const known = [...node.children.values()].filter((child) => !child.entry?.aliasOf);
  const guess = closest(
    word,
    known.map((child) => child.path.at(-1) ?? ''),
  );
  return new UsageError(`no such command '${[...node.path, word].join(' ')}'${guess ? `: ${guess}?` : ''}`, node.path);
}

/** All commands at or below a node, without aliases, sorted by their words. */
export function commandsBelow(node: CommandNode): { path: readonly string[]; entry: CommandEntry }[] {
  const own = node.entry && !node.entry.aliasOf ? [{ path: node.path, entry: node.entry }] : [];
  const below = [...node.children.values()].flatMap(commandsBelow);
  return [...own, ...below].sort((a, b) => (a.path.join(' ') < b.path.join(' ') ? -1 : 1));
}
