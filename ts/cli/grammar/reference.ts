/** `<tool> printdoc`: the syntax chapter of the manual, as reStructuredText. */
import type { CommandDescription, ParameterDescription } from './description.ts';
import { EXIT_CODES } from './exit_codes.ts';
import { usageLine } from './help.ts';
import type { HiddenCommand } from './program.ts';

export const run: HiddenCommand = async ({ program, descriptions }) => {
  const sorted = [...descriptions].sort((a, b) => (a.path.join(' ') < b.path.join(' ') ? -1 : 1));
  const title = `Command syntax of ${program.name}`;
  return [
    title,
    '='.repeat(title.length),
    '',
    ...sorted.flatMap((command) => chapter(program.name, command)),
    ...exitCodes(),
  ];
};

function exitCodes(): string[] {
  const title = 'Exit codes';
  const entries = Object.values(EXIT_CODES).flatMap(({ code, meaning }) => [`${code}`, `  ${meaning}`, '']);
  return [title, '-'.repeat(title.length), '', ...entries];
}

function chapter(program: string, command: CommandDescription): string[] {
  const heading = `\`\`${usageLine(program, command)}\`\``;
  const optional = command.options.filter(({ required }) => !required);
  const required = command.options.filter((option) => option.required);
  return [
    heading,
    '-'.repeat(heading.length),
    '',
    command.summary,
    '',
    ...(command.details?.split('\n\n').flatMap((paragraph) => [paragraph, '']) ?? []),
    ...command.positionals.flatMap((positional) => parameter(`<${positional.name}>`, positional)),
    ...required.flatMap((option) => parameter(`--${option.name}`, option)),
    ...(optional.length > 0 ? ['Optional parameters:', ''] : []),
    ...optional.flatMap((option) => parameter(`--${option.name}`, option)),
    ...(command.examples.length > 0 ? ['Examples:', ''] : []),
    ...command.examples.flatMap(([line, purpose]) => [`${purpose} ::`, '', `    ${program} ${line}`, '']),
  ];
}

function parameter(syntax: string, { typeText, description, default: fallback }: ParameterDescription): string[] {
  const suffix = fallback === undefined ? '' : ` (default: ${fallback})`;
  return [`\`\`${syntax}\`\` : \`\`${typeText}\`\`${suffix}`, `  ${description}`, ''];
}
