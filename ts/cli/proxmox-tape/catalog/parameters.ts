/** Parameters that the commands below `catalog` share, and what becomes of them. */
import { readFile } from 'node:fs/promises';
import Type, { type Static } from 'typebox';
import { mediaSetUuid, poolName } from '../../../config/identifiers.ts';
import { type Installation, now } from '../../../config/installation.ts';
import { textAccepted } from '../../../config/value_text.ts';
import { FerriteError, toFerriteError } from '../../../errors.ts';
import type { CatalogRequest } from '../../../jobs/catalog/questions.ts';
import { parseMoment } from '../../../time/moment.ts';
import { optional } from '../../grammar/parameter.ts';

const path = (description: string) => Type.String({ minLength: 1, description });

/** How much is to be known before the question is asked. */
export const lookInside = {
  files: Type.Optional(
    Type.Boolean({
      description: 'Look into snapshots whose files are not known yet, in their datastores (default: yes).',
    }),
  ),
  'client-key': Type.Optional(
    path(
      'Key file of a backup client; opens lists of files that it encrypted. The catalog knows their names from then on.',
    ),
  ),
  'client-password-file': Type.Optional(path('File whose first line is the password of that key.')),
};

/** Which part of the catalog. */
export const scope = {
  'media-set': optional(mediaSetUuid, { description: 'Only this media set.', completion: 'media-set' }),
  pool: optional(poolName, { description: 'Only tapes of this pool.', completion: 'pool' }),
  since: Type.Optional(
    textAccepted((text) => parseMoment(text, 0), {
      typeText: '<time>',
      description: "Only snapshots since then: a date (2024-06-05), a time (RFC 3339) or how long ago ('4 weeks').",
    }),
  ),
};

type Given<Parameters> = { [Name in keyof Parameters]?: string | boolean | undefined };

export async function lookInsideRequest(given: Given<typeof lookInside>): Promise<CatalogRequest> {
  const { files, 'client-key': key, 'client-password-file': password } = given;
  if (typeof password === 'string' && typeof key !== 'string') {
    throw new FerriteError('usage', 'bad-parameter', "'--client-password-file' is for the key of '--client-key'");
  }
  return {
    files: files !== false,
    ...(typeof key === 'string' && {
      clientKey: {
        file: await readGiven(key),
        ...(typeof password === 'string' && { password: await firstLine(password) }),
      },
    }),
  };
}

async function readGiven(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new FerriteError('usage', 'no-file', `cannot read ${file}: ${toFerriteError(error).message}`);
  }
}

async function firstLine(file: string): Promise<Uint8Array> {
  const content = await readGiven(file);
  const end = content.indexOf('\n');
  return end < 0 ? content : content.subarray(0, content[end - 1] === 0x0d ? end - 1 : end);
}

export function scopeRequest(
  installation: Installation,
  { 'media-set': mediaSet, pool, since }: { [Name in keyof typeof scope]?: Static<(typeof scope)[Name]> | undefined },
) {
  return {
    mediaSet,
    pool,
    since: since === undefined ? undefined : parseMoment(since, now(installation), installation.zone),
  };
}
