/**
 * A command line program: its commands, and how a line of words becomes a running command and an exit code.
 *
 * Order: find the command by its words (tree.ts), load that one module, bring its arguments into canonical form
 * (canonical.ts), let clipanion parse that and call the command (dispatch.ts), show the value (output.ts).
 */
import { type Installation, type InstallationOptions, openInstallation } from '../../config/installation.ts';
import type { SignalSource } from '../report/interrupts.ts';
import type { KeyOrder } from '../report/json.ts';
import { Report, type ReportStreams } from '../report/report.ts';
import { settingsFrom } from '../report/settings.ts';
import type { CommandDescription } from './description.ts';
import { commandList, usageText } from './help.ts';
import { HELP, help } from './help_command.ts';
import {
  type CommandEntry,
  type CommandIndex,
  type CommandNode,
  commandsBelow,
  growTree,
  resolveWords,
} from './tree.ts';
import { UsageError } from './usage_error.ts';

/** Values for completion; reads configuration, never devices. */
export type Completer = (installation: Installation, given: ReadonlyMap<string, string>) => Promise<readonly string[]>;

export interface Program {
  readonly name: string;
  readonly version: () => string;
  /** All but `help`, which every program has. */
  readonly commands: CommandIndex;
  /** The stored descriptions of `commands`. */
  readonly descriptions: () => Promise<readonly CommandDescription[]>;
  readonly keyOrder: KeyOrder;
  /** Parameters every command has: shown in the help of a command only. */
  readonly commonOptions: readonly string[];
  readonly completers: () => Promise<Readonly<Record<string, Completer>>>;
}

/** What a program takes from its process. */
export interface ProcessEnvironment extends ReportStreams {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signals: SignalSource;
  /** Clock, randomness and locks of the installation, where they are not those of the machine. */
  readonly installationOptions?: Omit<InstallationOptions, 'variables' | 'onNotice'>;
}

/** First words that are not in the manual: for shells, and for making documents. */
const HIDDEN_COMMANDS: Readonly<Record<string, () => Promise<{ run: HiddenCommand }>>> = {
  bashcomplete: () => import('./completion.ts'),
  printdoc: () => import('./reference.ts'),
};
export type HiddenCommand = (context: HiddenContext) => Promise<readonly string[]>;
export interface HiddenContext {
  readonly program: Program;
  readonly tree: CommandNode;
  readonly descriptions: readonly CommandDescription[];
  readonly env: ProcessEnvironment['env'];
  readonly installation: () => Installation;
}

const HELP_ENTRY: CommandEntry = {
  load: () => Promise.reject(new Error('help works on descriptions')),
};

/** The words of all commands of a program, `help` included. */
export function treeOf(program: Program): CommandNode {
  return growTree({ ...program.commands, help: HELP_ENTRY });
}

async function descriptionsOf(program: Program): Promise<readonly CommandDescription[]> {
  return [...(await program.descriptions()), HELP];
}

/** Runs one command line. Never throws: what goes wrong is reported, and is in the exit code of the report. */
export async function runProgram(program: Program, environment: ProcessEnvironment, report: Report): Promise<void> {
  try {
    await runWords(program, environment, report);
  } catch (error) {
    report.fail(error);
    if (error instanceof UsageError) report.usage(await usageOf(program, error.path));
  }
}

export function reportFor(program: Program, environment: ProcessEnvironment): Report {
  return new Report(environment, settingsFrom(environment.env, program.keyOrder), environment.signals);
}

async function runWords(program: Program, environment: ProcessEnvironment, report: Report): Promise<void> {
  const { words, env } = environment;
  let opened: Installation | undefined;
  const installation = () => {
    opened ??= openInstallation({
      ...environment.installationOptions,
      variables: env,
      onNotice: (message) => report.warn(message),
    });
    return opened;
  };
  const tree = treeOf(program);
  const [first = ''] = words;
  if (Object.hasOwn(HIDDEN_COMMANDS, first)) {
    const hidden = await HIDDEN_COMMANDS[first]?.();
    const descriptions = await descriptionsOf(program);
    return report.lines((await hidden?.run({ program, tree, descriptions, env, installation })) ?? []);
  }
  if (first === '--version') return report.lines([`${program.name} ${program.version()}`]);

  const asked = helpWords(tree, words);
  const { node, used } = resolveWords(tree, asked);
  if (!node.entry) throw new UsageError(missingCommand(node), node.path);
  const rest = asked.slice(used);
  if (node.entry === HELP_ENTRY) {
    const { name, commonOptions } = program;
    const subject = { program: name, tree, descriptions: await descriptionsOf(program), commonOptions };
    return report.lines(help(subject, rest));
  }
  const [{ dispatch }, { default: command }] = await Promise.all([import('./dispatch.ts'), node.entry.load()]);
  const path = node.entry.aliasOf?.split(' ') ?? node.path;
  const context = {
    report,
    env,
    get installation() {
      return installation();
    },
  };
  await dispatch({ path, command, words: rest, context });
}

/** `--help` anywhere before `--` asks for the help of the command in front of it, whatever parameters it has already. */
function helpWords(tree: CommandNode, words: readonly string[]): readonly string[] {
  const end = words.indexOf('--');
  const before = end < 0 ? words : words.slice(0, end);
  if (!before.some((word) => word === '--help' || word === '-h')) return words;
  const firstOption = before.findIndex((word) => word.startsWith('-'));
  const command = before.slice(0, firstOption);
  return ['help', ...command.slice(0, resolveWords(tree, command).used)];
}

function missingCommand(node: CommandNode): string {
  return node.path.length === 0 ? 'no command given' : `'${node.path.join(' ')}' needs one more word`;
}

async function usageOf(program: Program, path: readonly string[]): Promise<string[]> {
  const descriptions = await descriptionsOf(program);
  const own = descriptions.find((description) => description.path.join(' ') === path.join(' '));
  if (own) return usageText(program.name, own);
  const below = descriptions.filter((description) => path.every((word, index) => description.path[index] === word));
  return commandList(program.name, below, program.commonOptions);
}

/** Descriptions from the declarations themselves: what the stored ones are made of and checked against. */
export async function describeCommands(commands: CommandIndex): Promise<CommandDescription[]> {
  const { describe } = await import('./command.ts');
  return Promise.all(
    commandsBelow(growTree(commands)).map(async ({ path, entry }) => describe(path, (await entry.load()).default)),
  );
}
