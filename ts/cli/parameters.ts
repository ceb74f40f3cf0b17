/** Parameters that many commands have. */
import Type, { type TString } from 'typebox';
import { digest, driveName } from '../config/identifiers.ts';
import type { Waiting } from '../jobs/notify/announced.ts';
import { optional } from './grammar/parameter.ts';
import type { Report } from './report/report.ts';
import { OUTPUT_FORMATS, PROGRESS_MODES } from './report/settings.ts';

/** Its default comes from `PROXMOX_OUTPUT_FORMAT`, then it is `text`. */
export const outputFormat = Type.Optional(Type.Enum([...OUTPUT_FORMATS], { description: 'Output format.' }));

/** Beyond the manual (D21): how a task shows that it is getting on. */
export const progress = Type.Optional(
  Type.Enum([...PROGRESS_MODES], {
    description:
      'Progress on standard error: a status line on terminals (auto, the default), one JSON object per line for ' +
      'programs, or none.',
  }),
);

/** Resolved by `chooseDrive`: option, environment, the only drive there is. */
export const drive = optional(driveName, {
  description: 'Drive; by default PROXMOX_TAPE_DRIVE, else the only configured drive.',
  completion: 'drive',
});

export const flag = (description: string) => Type.Optional(Type.Boolean({ description }));

/** What every command that runs a task on a drive takes. */
export const taskOptions = { drive, 'output-format': outputFormat, progress };

/** Of jobs that may need tapes which are not at hand (D11). */
export const noWait = flag('Fail when a tape is not at hand, instead of asking for it and waiting.');

/** What the log of a waiting job says to somebody who watches it. */
export function waitingFor(noWait: boolean | undefined, { isTerminal }: Report): Waiting | undefined {
  if (noWait) return undefined;
  return isTerminal ? { howToStop: 'Ctrl-C stops the job; with --no-wait it would have failed' } : {};
}

/** Guards against changing a file that somebody else changed meanwhile. */
export const digestOption = Type.Optional(digest);

/** The manual knows this option by three names (D5). */
export const exportMediaSet = optional(Type.Boolean(), {
  description: 'Export media set upon job completion.',
  aliases: ['export-media', 'export'],
});

/** One per use; PBS's command line knew them by another name first. */
export const groupFilters = (filter: TString) =>
  optional(Type.Array(filter), {
    description:
      'Groups to back up, may be given several times: [exclude:] and type:<vm|ct|host>, group:<type>/<id> or ' +
      'regex:<expression> (the syntax of Rust). With including filters one of them must match; no excluding one may.',
    aliases: ['groups'],
  });

/** `--delete`: unsets properties, one per use. */
export const deletions = <Name extends string>(names: readonly Name[]) =>
  Type.Optional(
    Type.Array(Type.Enum<Name[]>([...names]), {
      description: `Properties to delete (${names.join(', ')}); may be given several times.`,
    }),
  );
