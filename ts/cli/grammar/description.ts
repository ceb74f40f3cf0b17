/**
 * A command as plain data: what help, usage lines, completion, man pages and the argument parser read. Derived from the
 * declarations (`describe`), and stored in ts/cli/generated so that help and completion need not load every command.
 */
export type ParameterKind = 'string' | 'boolean' | 'integer' | 'array';

export interface ParameterDescription {
  readonly name: string;
  readonly kind: ParameterKind;
  /** `<string>`, `<integer> (1 - N)`, `text|json|json-pretty` */
  readonly typeText: string;
  readonly description: string;
  readonly required: boolean;
  readonly default?: string | number | boolean;
  /** All values there are (of each item, for arrays). */
  readonly values?: readonly string[];
  /** Name of the completer that knows the values. */
  readonly completion?: string;
  readonly aliases?: readonly string[];
}

export interface CommandDescription {
  readonly path: readonly string[];
  readonly summary: string;
  readonly details?: string;
  /** Command line without the program's name, and what it does. */
  readonly examples: readonly (readonly [command: string, purpose: string])[];
  readonly positionals: readonly ParameterDescription[];
  /** Sorted by name. */
  readonly options: readonly ParameterDescription[];
}
