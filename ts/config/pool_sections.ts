/** Sections of media-pool.cfg, and what Ferrite keeps about pools in ferrite.cfg. */
import Type from 'typebox';
import { comment, driveName, fingerprint, poolName, singleLine } from './identifiers.ts';
import { DEFAULT_ALLOCATION, DEFAULT_RETENTION, parseAllocation, parseRetention } from './media_policy.ts';
import type { SectionOf, SectionType } from './section_types.ts';
import { textAccepted } from './value_text.ts';

const properties = {
  name: poolName,
  allocation: Type.Optional(
    textAccepted((text) => parseAllocation(text), {
      default: DEFAULT_ALLOCATION,
      description: "Media set allocation policy ('continue', 'always', or a calendar event).",
    }),
  ),
  retention: Type.Optional(
    textAccepted(parseRetention, {
      default: DEFAULT_RETENTION,
      description: "Media retention policy ('overwrite', 'keep', or time span).",
    }),
  ),
  template: Type.Optional(
    singleLine(2, 64, {
      default: '%c',
      description: 'Media set naming template (may contain strftime() time format specifications).',
    }),
  ),
  encrypt: Type.Optional(fingerprint),
  comment: Type.Optional(comment),
};

export const poolSection = {
  type: 'pool',
  idProperty: 'name',
  schema: Type.Object(properties),
} satisfies SectionType;

export const poolSectionTypes = [poolSection] as const;

/** What media-pool.cfg has no property for: PBS refuses files with properties it does not know (D3). */
export const ferritePoolSection = {
  type: 'pool',
  idProperty: 'name',
  ownNames: true,
  schema: Type.Object({ name: poolName, drive: Type.Optional(driveName) }),
} satisfies SectionType;

/** A pool as its user sees it: both files together. */
export const poolSchema = Type.Object({ ...properties, drive: Type.Optional(driveName) });
export const poolParameters = { type: 'pool', idProperty: 'name', schema: poolSchema } satisfies SectionType;
export type PoolConfig = SectionOf<typeof poolParameters>;
