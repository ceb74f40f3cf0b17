/**
 * Runs one command on its words. The words are canonical when clipanion gets them, so its part is what it is good at:
 * parsing `--name=value` and positionals into the fields of a command object, and calling it.
 *
 * Only the chosen command is registered: the others are not even loaded.
 */
import { Cli, Command as ClipanionCommand, type CommandClass, Option } from 'clipanion';
import { toFerriteError } from '../../errors.ts';
import { formatFrom, type OutputFormat, type ProgressMode } from '../report/settings.ts';
import { canonicalise } from './canonical.ts';
import { type Command, type CommandContext, describe } from './command.ts';
import type { CommandDescription } from './description.ts';
import { ParameterErrors } from './usage_error.ts';
import { type GivenWords, type Validated, validate } from './validation.ts';

export interface Invocation {
  readonly path: readonly string[];
  readonly command: Command;
  /** Everything after the words of the command. */
  readonly words: readonly string[];
  readonly context: CommandContext;
}

export async function dispatch({ path, command, words, context }: Invocation): Promise<void> {
  const description = describe(path, command);
  const { options, positionals, problems } = canonicalise(words, description);
  const cli = new Cli();
  cli.register(
    adapt(description, async (given) => {
      const validated = validate(command, given);
      const all = [...problems, ...validated.problems];
      if (all.length > 0) throw new ParameterErrors(all, path);
      await execute(command, validated.values, context);
    }),
  );
  const bound = options.map(([name, value]) => `${clipanionName(name)}=${value}`);
  await cli.process({ input: [...path, ...bound, '--', ...positionals] }).validateAndExecute();
}

async function execute(command: Command, values: Validated['values'], context: CommandContext): Promise<void> {
  const { report, env } = context;
  if (command.output.formatted) {
    report.configure({ format: (values['output-format'] as OutputFormat | undefined) ?? formatFrom(env) });
  }
  if (values.progress !== undefined) report.configure({ progress: values.progress as ProgressMode });
  const { output } = command;
  try {
    output.show(report, await command.run(values as Parameters<Command['run']>[0], context));
  } catch (thrown) {
    const error = toFerriteError(thrown);
    // A wrong request is not the answer of a device.
    if (!output.showFailure || error.kind === 'usage' || error.kind === 'aborted') throw error;
    output.showFailure(report, error);
  }
}

/** clipanion's names of options hold lower-case letters and single dashes only. */
const clipanionName = (name: string): string => `--${name.replaceAll('_', '-')}`;

/** The clipanion command of a declaration: every option may repeat, and every positional is one of the rest. */
function adapt(description: CommandDescription, execute: (given: GivenWords) => Promise<void>): CommandClass {
  const { path, options, positionals } = description;
  return class extends ClipanionCommand {
    static override paths = [[...path]];
    readonly rest = Option.Rest();

    constructor() {
      super();
      // clipanion finds options by looking at the fields of an instance.
      for (const { name } of options) Object.assign(this, { [`--${name}`]: Option.Array(clipanionName(name)) });
    }

    async execute(): Promise<void> {
      const given = new Map<string, readonly string[]>();
      const fields = new Map<string, unknown>(Object.entries(this));
      for (const { name } of options) {
        const words = fields.get(`--${name}`);
        if (Array.isArray(words)) given.set(name, words.map(String));
      }
      for (const [index, { name, kind }] of positionals.entries()) {
        const words = this.rest.slice(index, kind === 'array' ? undefined : index + 1);
        if (words.length > 0) given.set(name, words);
      }
      await execute(given);
    }
  };
}
