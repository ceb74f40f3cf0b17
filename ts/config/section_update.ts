/** How commands change a section (spec/config-and-time.md 2.2): first delete, then set. */
import { FerriteError } from '../errors.ts';

export interface UpdateOptions<Key extends string = string> {
  /** Properties to unset; one that is also given ends up set. */
  delete?: readonly Key[] | undefined;
  /** Of the file as the caller saw it; a file that changed meanwhile is left alone. */
  digest?: string | undefined;
}

/** Values of an update; what is absent or undefined stays as it is. */
export type Changes<Value> = { [Key in keyof Value]?: Value[Key] | undefined };

/** Blank text removes a comment, other text is trimmed. */
export function applyChanges<Value extends object>(
  current: Value,
  changes: Changes<Value>,
  deleted: readonly string[],
  deletable: readonly string[],
): Value {
  const result = { ...current } as Record<string, unknown>;
  for (const key of deleted) {
    if (!deletable.includes(key)) {
      const choice = deletable.join(', ');
      throw new FerriteError('usage', 'bad-parameter', `parameter 'delete' must be one of ${choice}, not '${key}'`);
    }
    delete result[key];
  }
  for (const [key, value] of Object.entries(changes)) {
    if (value !== undefined) result[key] = value;
  }
  return withTrimmedComment(result) as Value;
}

export function withTrimmedComment<Value extends object>(value: Value): Value {
  const { comment, ...rest } = value as Value & { comment?: unknown };
  if (typeof comment !== 'string') return value;
  const trimmed = comment.trim();
  return (trimmed === '' ? rest : { ...rest, comment: trimmed }) as Value;
}
