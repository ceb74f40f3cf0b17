/** Which groups of a datastore a backup takes (spec/config-and-time.md 5.2). Regular expressions are Rust's, and evaluated there. */
import { FerriteError } from '../errors.ts';

export interface GroupFilter {
  readonly excludes: boolean;
  readonly by: 'type' | 'group' | 'regex';
  readonly value: string;
}

/** `[include:|exclude:]` and `type:<vm|ct|host>`, `group:<type>/<id>` or `regex:<expression>`. */
export const GROUP_FILTER_PATTERN =
  '^(?:(?:include|exclude):)?(?:type:(?:vm|ct|host)|group:(?:vm|ct|host)/[A-Za-z0-9_][A-Za-z0-9._-]*|regex:.+)$';

const PARTS = /^(?:(include|exclude):)?(type|group|regex):(.*)$/s;

/** Throws a FerriteError (`usage`, `bad-group-filter`) for a text that is none. */
export function parseGroupFilter(text: string): GroupFilter {
  const [, sign, by, value = ''] = (new RegExp(GROUP_FILTER_PATTERN).test(text) && PARTS.exec(text)) || [];
  if (by !== 'type' && by !== 'group' && by !== 'regex') {
    throw new FerriteError('usage', 'bad-group-filter', `'${text}' is no group filter`);
  }
  return { excludes: sign === 'exclude', by, value };
}

/** As it stands in files: the sign of an including filter is left out. */
export function printGroupFilter({ excludes, by, value }: GroupFilter): string {
  return `${excludes ? 'exclude:' : ''}${by}:${value}`;
}

/** Whether each of the groups (`<type>/<id>`) matches an expression somewhere. */
export type MatchRegex = (expression: string, groups: readonly string[]) => readonly boolean[];

/** The groups (`<type>/<id>`) that are taken: where there are including filters one of them must match, no excluding one may. */
export function filterGroups(
  filters: readonly GroupFilter[],
  groups: readonly string[],
  matchRegex: MatchRegex,
): ReadonlySet<string> {
  const matched = (filter: GroupFilter): readonly boolean[] => {
    if (filter.by === 'regex') return matchRegex(filter.value, groups);
    return groups.map((group) => (filter.by === 'group' ? group : group.slice(0, group.indexOf('/'))) === filter.value);
  };
  const includes = filters.filter(({ excludes }) => !excludes).map(matched);
  const excludes = filters.filter((filter) => filter.excludes).map(matched);
  return new Set(
    groups.filter(
      (_, index) =>
        (includes.length === 0 || includes.some((matches) => matches[index])) &&
        !excludes.some((matches) => matches[index]),
    ),
  );
}
