/**
 * Usage lines and help texts (cli.md 1.5), from descriptions. Examples follow where the manual has nothing: at the end of
 * the long help of a command.
 */
import type { CommandDescription, ParameterDescription } from './description.ts';

const WIDTH = 80;
const INDENT = ' '.repeat(13);

function positionalSyntax({ name, kind, required }: ParameterDescription): string {
  const syntax = kind === 'array' ? `{<${name}>}` : `<${name}>`;
  return required ? syntax : `[${syntax}]`;
}

/** `drive create <name> --path <string> [OPTIONS]`, after the program's name. */
export function usageLine(program: string, command: CommandDescription): string {
  const required = command.options.filter((option) => option.required);
  const optional = command.options.some((option) => !option.required);
  return [
    program,
    ...command.path,
    ...command.positionals.map(positionalSyntax),
    ...required.map(({ name, typeText }) => `--${name} ${typeText}`),
    ...(optional ? ['[OPTIONS]'] : []),
  ].join(' ');
}

/** Greedy filling; a word that is too long stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function parameterBlock(syntax: string, parameter: ParameterDescription): string[] {
  const fallback = parameter.default === undefined ? '' : `   (default=${parameter.default})`;
  return [
    ` ${syntax.padEnd(10)} ${parameter.typeText}${fallback}`,
    ...wrap(parameter.description, WIDTH - INDENT.length).map((line) => INDENT + line),
    '',
  ];
}

/** Positionals and required options, then the optional ones. */
function parameterBlocks(command: CommandDescription): string[] {
  const option = (parameter: ParameterDescription) => parameterBlock(`--${parameter.name}`, parameter);
  const optional = command.options.filter(({ required }) => !required);
  return [
    ...command.positionals.flatMap((positional) => parameterBlock(`<${positional.name}>`, positional)),
    ...command.options.filter(({ required }) => required).flatMap(option),
    ...(optional.length > 0 ? ['Optional parameters:', '', ...optional.flatMap(option)] : []),
  ];
}

function withoutTrailingBlank(lines: readonly string[]): string[] {
  return lines.at(-1) === '' ? lines.slice(0, -1) : [...lines];
}

/** What follows an error: the command line and its parameters. */
export function usageText(program: string, command: CommandDescription): string[] {
  return withoutTrailingBlank([`Usage: ${usageLine(program, command)}`, '', ...parameterBlocks(command)]);
}

export function longHelp(program: string, command: CommandDescription): string[] {
  const details = command.details?.split('\n\n').flatMap((paragraph) => [...wrap(paragraph, WIDTH), '']) ?? [];
  const examples = command.examples.flatMap(([line, purpose]) => [
    ...wrap(purpose, WIDTH - 2).map((text) => `  ${text}`),
    `    ${program} ${line}`,
    '',
  ]);
  return withoutTrailingBlank([
    `Usage: ${usageLine(program, command)}`,
    '',
    ...wrap(command.summary, WIDTH),
    '',
    ...details,
    ...parameterBlocks(command),
    ...(examples.length > 0 ? ['Examples:', '', ...examples] : []),
  ]);
}

/** One line per command, sorted. `omitted` options are those every command of the program has. */
export function commandList(
  program: string,
  commands: readonly CommandDescription[],
  omitted: readonly string[],
): string[] {
  const lines = commands.map((command) =>
    usageLine(program, { ...command, options: command.options.filter(({ name }) => !omitted.includes(name)) }),
  );
  return ['Usage:', '', ...lines.sort((a, b) => (a < b ? -1 : 1))];
}
