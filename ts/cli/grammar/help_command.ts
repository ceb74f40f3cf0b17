/**
 * `help` of all three programs. It is declared in described form and runs on descriptions alone, so that it loads neither
 * TypeBox nor the modules of the commands.
 */
import { canonicalise, parseBoolean } from './canonical.ts';
import type { CommandDescription, ParameterDescription } from './description.ts';
import { commandList, longHelp, usageLine } from './help.ts';
import { type CommandNode, resolveWords } from './tree.ts';
import { ParameterErrors, UsageError } from './usage_error.ts';

const COMMAND: ParameterDescription = {
  name: 'command',
  kind: 'array',
  typeText: '<array>',
  description: 'The words of a command or of a group of commands; prefixes will do.',
  required: false,
};

const VERBOSE: ParameterDescription = {
  name: 'verbose',
  kind: 'boolean',
  typeText: '<boolean>',
  description: 'All about each command; the usage line only, if false.',
  required: false,
};

export const HELP: CommandDescription = {
  path: ['help'],
  summary: 'Show how to use a command, or which commands there are.',
  examples: [
    ['help', 'All commands:'],
    ['help drive create', 'All about one command:'],
  ],
  positionals: [COMMAND],
  options: [VERBOSE],
};

export interface HelpSubject {
  readonly program: string;
  readonly tree: CommandNode;
  readonly descriptions: readonly CommandDescription[];
  /** Options that every command has: left out of lists. */
  readonly commonOptions: readonly string[];
}

export function help(subject: HelpSubject, words: readonly string[]): string[] {
  const { options, positionals, problems } = canonicalise(words, HELP);
  const given = options.find(([name]) => name === VERBOSE.name)?.[1];
  const verbose = given === undefined ? undefined : parseBoolean(given);
  if (given !== undefined && verbose === undefined) {
    throw new ParameterErrors(
      [...problems, { parameter: VERBOSE.name, problem: `must be yes or no, not '${given}'` }],
      HELP.path,
    );
  }
  if (problems.length > 0) throw new ParameterErrors(problems, HELP.path);

  const { node, used } = resolveWords(subject.tree, positionals);
  if (used < positionals.length) throw new UsageError(`no such command '${positionals.join(' ')}'`, node.path);
  return helpOf(subject, node, verbose);
}

function helpOf({ program, descriptions, commonOptions }: HelpSubject, node: CommandNode, verbose?: boolean): string[] {
  const path = node.entry?.aliasOf?.split(' ') ?? node.path;
  const own = descriptions.find((description) => description.path.join(' ') === path.join(' '));
  const below = descriptions.filter(
    (description) => description !== own && path.every((word, index) => description.path[index] === word),
  );
  if (verbose) return separated([...(own ? [own] : []), ...below].map((command) => longHelp(program, command)));
  const list = below.length > 0 ? [commandList(program, below, commonOptions)] : [];
  if (!own) return separated(list);
  if (verbose === false) return [`Usage: ${usageLine(program, own)}`];
  return separated([longHelp(program, own), ...list]);
}

function separated(blocks: readonly (readonly string[])[]): string[] {
  return blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]));
}
