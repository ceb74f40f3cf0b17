/**
 * A command is declared once, as data: one file per command, its place in the folders of ts/cli/<program> mirroring its
 * words. From the declaration come option parsing, validation, usage line, help, completion and the generated reference;
 * `run` is a shell: parameters -> function that programs can import too -> value, which `output` shows.
 *
 * Modules of commands stay cheap to load: `run` imports the work lazily.
 */
import type { Installation } from '../../config/installation.ts';
import type { Report } from '../report/report.ts';
import type { CommandDescription } from './description.ts';
import type { Output } from './output.ts';
import { describeParameter, type Parameters, type Values } from './parameter.ts';

/** What the process gives to a command. Tests hand in their own. */
export interface CommandContext {
  readonly report: Report;
  /** Opened when first asked for: help works where there is none. */
  readonly installation: Installation;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface CommandDeclaration<P extends Parameters, O extends Parameters, Value> {
  /** One sentence: the first line of help. */
  readonly summary: string;
  readonly details?: string;
  readonly examples: readonly (readonly [command: string, purpose: string])[];
  /** In order; only the last may be optional or an array. */
  readonly positionals: P;
  readonly options: O;
  readonly output: Output<Value>;
  run(parameters: Values<P & O>, context: CommandContext): Promise<Value>;
}

/** A declaration whose parameter types are no longer known: what the grammar works with. */
export type Command = CommandDeclaration<Parameters, Parameters, unknown>;

export function defineCommand<const P extends Parameters, const O extends Parameters, Value>(
  declaration: CommandDeclaration<P, O, Value>,
): Command {
  return declaration as unknown as Command;
}

export function describe(path: readonly string[], command: Command): CommandDescription {
  const describeAll = (parameters: Parameters) =>
    Object.entries(parameters).map(([name, schema]) => describeParameter(name, schema));
  return {
    path,
    summary: command.summary,
    ...(command.details && { details: command.details }),
    examples: command.examples,
    positionals: describeAll(command.positionals),
    options: describeAll(command.options).sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
