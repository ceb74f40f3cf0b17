/**
 * Brings the words after a command into one form: `--name=value` for every option, then `--`, then the positionals. This
 * is where the grammar of cli.md 1 is richer than clipanion's: a single dash, boolean words that may or may not follow an
 * option, defaults that forbid a bare boolean, aliases, and errors that are collected instead of ending at the first.
 * What comes out, clipanion parses without surprises.
 */
import { closest } from './closest.ts';
import type { CommandDescription, ParameterDescription } from './description.ts';
import type { ParameterProblem } from './usage_error.ts';

const BOOLEAN_WORDS = new Map<string, boolean>([
  ...['1', 'on', 'yes', 'true'].map((word) => [word, true] as const),
  ...['0', 'off', 'no', 'false'].map((word) => [word, false] as const),
]);

export function parseBoolean(word: string): boolean | undefined {
  return BOOLEAN_WORDS.get(word.toLowerCase());
}

/** clipanion marks the ends of its input with these words; nothing on a command line can mean them. */
const RESERVED_WORDS = new Set(['\u0000', '\u0001', '\u0002']);

/** A word that starts an option. A lone dash is a value: it means standard input or output in many tools. */
export const isOptionWord = (word: string): boolean => word.length > 1 && word.startsWith('-');

export interface CanonicalWords {
  readonly options: readonly (readonly [name: string, value: string])[];
  readonly positionals: readonly string[];
  readonly problems: readonly ParameterProblem[];
}

export function canonicalise(words: readonly string[], command: CommandDescription): CanonicalWords {
  const byName = new Map<string, ParameterDescription>();
  for (const option of command.options)
    for (const name of [option.name, ...(option.aliases ?? [])]) byName.set(name, option);
  const options: [string, string][] = [];
  const positionals: string[] = [];
  const problems: ParameterProblem[] = [];

  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      positionals.push(...words.slice(at + 1));
      break;
    }
    if (!isOptionWord(word)) {
      positionals.push(word);
      continue;
    }
    const [, name = '', bound] = /^--?([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    const option = byName.get(name);
    const next = words[at + 1];
    if (!option) {
      const guess = closest(name, [...byName.keys()]);
      problems.push({ parameter: name, problem: guess === undefined ? 'is unknown' : `is unknown (--${guess}?)` });
      // What was meant as the value of the option must not be reported as surplus, too.
      const meant = byName.get(guess ?? '');
      if (meant && bound === undefined && followingValue(meant, next).consumed) at++;
      continue;
    }
    const { value, consumed, problem } = bound === undefined ? followingValue(option, next) : { value: bound };
    if (consumed) at++;
    if (problem) problems.push({ parameter: option.name, problem });
    if (value !== undefined) options.push([option.name, value]);
  }
  problems.push(
    ...repetitions(options, command),
    ...missingOptions(options, problems, command),
    ...countProblems(positionals, command),
  );
  if (positionals.some((word) => RESERVED_WORDS.has(word))) {
    problems.push({ parameter: 'argument', problem: 'contains control characters' });
  }
  return { options, positionals: positionals.filter((word) => !RESERVED_WORDS.has(word)), problems };
}

/** The value of an option written without `=`. */
function followingValue(
  option: ParameterDescription,
  next: string | undefined,
): { value?: string; consumed?: boolean; problem?: string } {
  if (option.kind === 'boolean') {
    if (next !== undefined && parseBoolean(next) !== undefined) return { value: next, consumed: true };
    if (option.default === true) return { problem: 'needs yes or no (it is true by default)' };
    return { value: 'true' };
  }
  if (next === undefined || isOptionWord(next)) return { problem: 'has no value' };
  return { value: next, consumed: true };
}

function repetitions(options: readonly (readonly [string, string])[], command: CommandDescription): ParameterProblem[] {
  return command.options
    .filter(({ name, kind }) => kind !== 'array' && options.filter(([given]) => given === name).length > 1)
    .map(({ name }) => ({ parameter: name, problem: 'is given more than once' }));
}

/** Required options that are not there; one that is there without its value was reported already. */
function missingOptions(
  options: readonly (readonly [string, string])[],
  problems: readonly ParameterProblem[],
  command: CommandDescription,
): ParameterProblem[] {
  const given = new Set([...options.map(([name]) => name), ...problems.map(({ parameter }) => parameter)]);
  return command.options
    .filter(({ name, required }) => required && !given.has(name))
    .map(({ name }) => ({ parameter: name, problem: 'is missing' }));
}

/** Missing positionals, and arguments nothing asks for. */
function countProblems(positionals: readonly string[], command: CommandDescription): ParameterProblem[] {
  const missing = command.positionals
    .filter((positional, index) => positional.required && positionals.length <= index)
    .map(({ name }) => ({ parameter: name, problem: 'is missing' }));
  const takesRest = command.positionals.at(-1)?.kind === 'array';
  const surplus = takesRest ? [] : positionals.slice(command.positionals.length);
  return [...missing, ...surplus.map((word) => ({ parameter: word, problem: 'is surplus' }))];
}
