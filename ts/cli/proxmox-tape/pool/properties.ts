/** Properties of pools as options: those of the config file, and the drive of a pool (D3). */
import { poolName } from '../../../config/identifiers.ts';
import type { Installation } from '../../../config/installation.ts';
import { poolSchema } from '../../../config/pool_sections.ts';
import { annotate, optionWithoutDefault } from '../../grammar/parameter.ts';
import type { Report } from '../../report/report.ts';

const { allocation, retention, template, encrypt, comment, drive } = poolSchema.properties;

export const poolOptions = {
  allocation: optionWithoutDefault(allocation),
  retention: optionWithoutDefault(retention),
  template: optionWithoutDefault(template),
  encrypt: annotate(encrypt, { completion: 'key' }),
  comment,
  drive: annotate(drive, { description: 'The drive this pool is written with.', completion: 'drive' }),
};

export const poolPositional = annotate(poolName, { completion: 'pool' });

/** Says at once what the first job of a pool would fail of, at night. */
export async function warnOfMissingKey(
  installation: Installation,
  encrypt: string | undefined,
  report: Report,
): Promise<void> {
  if (encrypt === undefined) return;
  const { poolKeyNote } = await import('../../../keys/keys.ts');
  const note = await poolKeyNote(installation, encrypt);
  if (note !== undefined) report.warn(note);
}
