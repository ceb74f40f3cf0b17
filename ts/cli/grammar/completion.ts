/**
 * Completion (cli.md 1.6): `<tool> bashcomplete` reads COMP_LINE and COMP_POINT as bash sets them for `complete -C`, and
 * answers with one candidate per line. It must be fast and must never fail: what it does not know, it leaves out.
 */
import { isOptionWord, parseBoolean } from './canonical.ts';
import type { CommandDescription, ParameterDescription } from './description.ts';
import type { HiddenCommand, HiddenContext } from './program.ts';
import { type CommandNode, resolveWords } from './tree.ts';

const BOOLEAN_CANDIDATES = ['0', '1', 'yes', 'no', 'true', 'false', 'on', 'off'];

export const run: HiddenCommand = async (context) => {
  const line = context.env.COMP_LINE ?? '';
  const point = Number(context.env.COMP_POINT ?? line.length);
  const { words, current } = splitLine(line.slice(0, Number.isSafeInteger(point) ? point : line.length));
  const candidates = await complete(context, words.slice(1), current);
  return candidates.filter((candidate) => candidate.startsWith(valuePart(current)));
};

/** The complete words of a line as a shell sees them, and the beginning of the word at its end. */
export function splitLine(line: string): { words: string[]; current: string } {
  const words: string[] = [];
  let current = '';
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
      else current += character;
    } else if (character === '"' || character === "'") {
      quote = character;
    } else if (character === '\\') {
      current += line[++at] ?? '';
    } else if (/\s/.test(character)) {
      if (current !== '') words.push(current);
      current = '';
    } else {
      current += character;
    }
  }
  return { words, current };
}

/** bash splits words at `=`, so of `--drive=my` only `my` is replaced. */
const valuePart = (word: string): string => /^--?[^=]+=([\s\S]*)$/.exec(word)?.[1] ?? word;

async function complete(context: HiddenContext, words: readonly string[], current: string): Promise<readonly string[]> {
  const { tree, descriptions } = context;
  const resolved = tryResolve(tree, words);
  if (!resolved) return [];
  const { node, used } = resolved;
  const below = used === words.length && !isOptionWord(current) ? subCommands(node) : [];
  if (!node.entry) return below;
  const path = (node.entry.aliasOf?.split(' ') ?? node.path).join(' ');
  const command = descriptions.find((description) => description.path.join(' ') === path);
  if (!command) return below;
  if (path === 'help') return helpWords(tree, words.slice(used));
  return [...below, ...(await completeArgument(context, command, words.slice(used), current))];
}

function tryResolve(tree: CommandNode, words: readonly string[]): ReturnType<typeof resolveWords> | undefined {
  try {
    return resolveWords(tree, words);
  } catch {
    return undefined; // no such command: nothing to offer
  }
}

function subCommands(node: CommandNode): string[] {
  const listed = [...node.children.values()].filter(({ entry }) => !entry?.aliasOf);
  return listed.map(({ path }) => path.at(-1) ?? '').sort();
}

function helpWords(tree: CommandNode, words: readonly string[]): string[] {
  const resolved = tryResolve(tree, words);
  return resolved && resolved.used === words.length ? subCommands(resolved.node) : [];
}

async function completeArgument(
  context: HiddenContext,
  command: CommandDescription,
  words: readonly string[],
  current: string,
): Promise<readonly string[]> {
  const { given, positionals, expecting } = scan(command, words);
  const bound = /^--?([^=]+)=/.exec(current)?.[1];
  const option = bound === undefined ? expecting : command.options.find(({ name }) => name === bound);
  if (option && !(option.kind === 'boolean' && isOptionWord(current) && bound === undefined)) {
    const values = await valuesOf(context, option, given);
    // After a boolean option the value may be left out: the next parameter may come as well.
    if (option.kind !== 'boolean' || bound !== undefined) return values;
    return [...values, ...(await positionalValues())];
  }
  if (current.startsWith('-')) return unusedOptions(command, given);
  return positionalValues();

  async function positionalValues(): Promise<readonly string[]> {
    const last = command.positionals.at(-1);
    const positional = command.positionals[positionals] ?? (last?.kind === 'array' ? last : undefined);
    if (positional) return valuesOf(context, positional, given);
    return current === '' ? unusedOptions(command, given) : [];
  }
}

function unusedOptions(command: CommandDescription, given: ReadonlyMap<string, string>): string[] {
  return command.options
    .filter(({ name, kind }) => kind === 'array' || !given.has(name))
    .map(({ name }) => `--${name}`);
}

/** What of a command line is there already, and the option whose value comes next. */
function scan(command: CommandDescription, words: readonly string[]) {
  const given = new Map<string, string>();
  let positionals = 0;
  let expecting: ParameterDescription | undefined;
  for (const word of words) {
    const pending = expecting;
    expecting = undefined;
    const isValue = pending && (pending.kind === 'boolean' ? parseBoolean(word) !== undefined : !isOptionWord(word));
    if (isValue) {
      given.set(pending.name, word);
      continue;
    }
    if (!isOptionWord(word)) {
      const positional = command.positionals[positionals++];
      if (positional) given.set(positional.name, word);
      continue;
    }
    const [, name = '', value] = /^--?([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    const option = command.options.find((known) => known.name === name || known.aliases?.includes(name));
    if (!option) continue;
    given.set(option.name, value ?? '');
    if (value === undefined) expecting = option;
  }
  return { given, positionals, expecting };
}

async function valuesOf(
  context: HiddenContext,
  parameter: ParameterDescription,
  given: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  if (parameter.values) return parameter.values;
  if (parameter.kind === 'boolean') return BOOLEAN_CANDIDATES;
  const completer = parameter.completion ? (await context.program.completers())[parameter.completion] : undefined;
  try {
    return (await completer?.(context.installation(), given)) ?? [];
  } catch {
    return []; // an unreadable file is reported by the command itself, not while somebody types
  }
}
