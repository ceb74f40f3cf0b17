/** How to print: from the environment (cli.md 1.3), then from the options of a command. */
import { FerriteError } from '../../errors.ts';
import type { KeyOrder } from './json.ts';
import type { TableStyle } from './table.ts';

export const OUTPUT_FORMATS = ['text', 'json', 'json-pretty'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export const PROGRESS_MODES = ['auto', 'json', 'none'] as const;
/** `auto`: a status line on terminals; `json`: every event as a line of JSON on stderr. */
export type ProgressMode = (typeof PROGRESS_MODES)[number];

export interface ReportSettings {
  readonly format: OutputFormat;
  readonly progress: ProgressMode;
  readonly keyOrder: KeyOrder;
  readonly table: Omit<TableStyle, 'columns'>;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** The code set of the locale, by the rules of setlocale(3): the first of these that is set and not empty decides. */
function isUtf8(env: Variables): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || 'C';
  return /utf-?8/i.test(locale);
}

export function settingsFrom(env: Variables, keyOrder: KeyOrder): ReportSettings {
  const borderless = env.PROXMOX_OUTPUT_NO_BORDER !== undefined;
  return {
    format: 'text',
    progress: 'auto',
    keyOrder,
    table: {
      border: !borderless,
      header: !borderless && env.PROXMOX_OUTPUT_NO_HEADER === undefined,
      ascii: !isUtf8(env),
    },
  };
}

/** The format of a command that has no `--output-format`, or was not given one. */
export function formatFrom(env: Variables): OutputFormat {
  const wanted = env.PROXMOX_OUTPUT_FORMAT;
  if (wanted === undefined) return 'text';
  const format = OUTPUT_FORMATS.find((known) => known === wanted);
  if (format) return format;
  throw new FerriteError(
    'usage',
    'output-format',
    `PROXMOX_OUTPUT_FORMAT is '${wanted}', which is not one of ${OUTPUT_FORMATS.join(', ')}`,
  );
}
