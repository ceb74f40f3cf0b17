/** Words to typed values, by the same rules as config files have (ts/config/value_text.ts). All problems are collected. */
import { isArrayProperty, parseValue } from '../../config/value_text.ts';
import type { Command } from './command.ts';
import { fallbackOf } from './parameter.ts';
import type { ParameterProblem } from './usage_error.ts';

/** What the parser found: one list of words per parameter; absent parameters have no entry. */
export type GivenWords = ReadonlyMap<string, readonly string[]>;

export interface Validated {
  readonly values: Readonly<Record<string, unknown>>;
  readonly problems: readonly ParameterProblem[];
}

export function validate(command: Command, given: GivenWords): Validated {
  const values: Record<string, unknown> = {};
  const problems: ParameterProblem[] = [];
  for (const [parameter, schema] of Object.entries({ ...command.positionals, ...command.options })) {
    const words = given.get(parameter);
    if (words === undefined) {
      const fallback = fallbackOf(schema);
      if (fallback !== undefined) values[parameter] = fallback;
      continue;
    }
    const parsed = words.map((word) => parseValue(schema, word));
    problems.push(...parsed.flatMap((result) => (result.ok ? [] : [{ parameter, problem: result.problem }])));
    const accepted = parsed.map((result) => (result.ok ? result.value : undefined));
    values[parameter] = isArrayProperty(schema) ? accepted : accepted.at(-1);
  }
  return { values, problems };
}
