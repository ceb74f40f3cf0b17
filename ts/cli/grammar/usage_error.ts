/** Wrong command lines. All of them end with exit code 255 and the usage of what was asked for. */
import { FerriteError } from '../../errors.ts';

export class UsageError extends FerriteError {
  /** The command or group whose usage is shown. */
  readonly path: readonly string[];

  constructor(message: string, path: readonly string[]) {
    super('usage', 'command-line', message);
    this.path = path;
  }
}

export interface ParameterProblem {
  readonly parameter: string;
  /** The end of a sentence that names the parameter: `must be an integer, not 'x'`. */
  readonly problem: string;
}

/** Everything that is wrong with the parameters of one command line, at once. */
export class ParameterErrors extends UsageError {
  readonly problems: readonly ParameterProblem[];

  constructor(problems: readonly ParameterProblem[], path: readonly string[]) {
    const lines = problems.map(({ parameter, problem }) => `parameter '${parameter}' ${problem}`);
    const list = [`${lines.length} parameters are wrong`, ...lines.map((line) => `- ${line}`)].join('\n');
    super(lines.length === 1 ? lines.join() : list, path);
    this.problems = problems;
  }
}
