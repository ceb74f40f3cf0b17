/** Media pools: what `proxmox-tape pool` does to media-pool.cfg and, for a pool's drive, to ferrite.cfg. */
import { FerriteError } from '../errors.ts';
import { formatTimeSpan } from '../time/time_span.ts';
import type { ConfigDocument } from './config_document.ts';
import { readConfig, updateConfig } from './config_file.ts';
import { driveConfig, listDrives } from './drives.ts';
import { ferriteSectionTypes } from './ferrite_sections.ts';
import { type Installation, now } from './installation.ts';
import {
  DEFAULT_ALLOCATION,
  DEFAULT_RETENTION,
  parseAllocation,
  parseAllocationInput,
  parseRetention,
  setsInRotation,
} from './media_policy.ts';
import { ferritePoolSection, type PoolConfig, poolParameters, poolSection, poolSectionTypes } from './pool_sections.ts';
import { checkSection } from './section_types.ts';
import { applyChanges, type Changes, type UpdateOptions, withTrimmedComment } from './section_update.ts';

const FILE = 'media-pool.cfg';
const OWN_FILE = 'ferrite.cfg';

/** `drive` is ours; the others are PBS's. */
export const deletablePoolProperties = ['allocation', 'retention', 'template', 'encrypt', 'comment', 'drive'] as const;
export type DeletablePoolProperty = (typeof deletablePoolProperties)[number];

/** All pools, sorted by name. */
export async function listPools(installation: Installation): Promise<PoolConfig[]> {
  const document = await readConfig(installation, FILE, poolSectionTypes);
  const own = await readConfig(installation, OWN_FILE, ferriteSectionTypes);
  return document
    .list(poolSection)
    .map((pool) => withDrive(pool, own))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function withDrive(pool: Omit<PoolConfig, 'drive'>, own: ConfigDocument): PoolConfig {
  const drive = own.get(ferritePoolSection, pool.name)?.drive;
  return { ...pool, ...(drive !== undefined && { drive }) };
}

/** One pool; a FerriteError (`usage`, `unknown-pool`) where there is none of that name. */
export async function poolConfig(installation: Installation, name: string): Promise<PoolConfig> {
  const pool = (await listPools(installation)).find((candidate) => candidate.name === name);
  return pool ?? unknownPool(name);
}

function unknownPool(name: string): never {
  const message = `media pool '${name}' does not exist: see 'proxmox-tape pool list'`;
  throw new FerriteError('usage', 'unknown-pool', message);
}

/** Returns notes for the user: what about the policies may surprise. */
export async function createPool(installation: Installation, pool: PoolConfig): Promise<string[]> {
  const { drive, ...section } = await checkPool(installation, withTrimmedComment(pool));
  await updateConfig(installation, FILE, poolSectionTypes, async (document) => {
    document.add(poolSection, section);
    await storeDrive(installation, pool.name, drive);
  });
  return policyNotes(installation, section);
}

/** Returns notes as `createPool` does. */
export async function updatePool(
  installation: Installation,
  name: string,
  changes: Changes<Omit<PoolConfig, 'name'>>,
  options: UpdateOptions<DeletablePoolProperty> = {},
): Promise<string[]> {
  return updateConfig(
    installation,
    FILE,
    poolSectionTypes,
    async (document) => {
      const current = document.get(poolSection, name) ?? unknownPool(name);
      const own = await readConfig(installation, OWN_FILE, ferriteSectionTypes);
      const before = withDrive(current, own);
      const value = applyChanges<PoolConfig>(before, changes, options.delete ?? [], deletablePoolProperties);
      const { drive, ...section } = await checkPool(installation, value, before);
      document.replace(poolSection, section);
      if (drive !== before.drive) await storeDrive(installation, name, drive);
      const isPolicyGiven = changes.allocation !== undefined || changes.retention !== undefined;
      return isPolicyGiven ? policyNotes(installation, section) : [];
    },
    options.digest,
  );
}

/** What stands in the files already is not questioned again. */
async function checkPool(installation: Installation, pool: PoolConfig, before?: PoolConfig): Promise<PoolConfig> {
  const checked = checkSection(poolParameters, pool);
  if (checked.allocation !== undefined && checked.allocation !== before?.allocation) {
    parseAllocationInput(checked.allocation);
  }
  if (checked.drive !== undefined && checked.drive !== before?.drive) await driveConfig(installation, checked.drive);
  if (checked.drive !== before?.drive || checked.encrypt !== before?.encrypt) await refusePlain(installation, checked);
  return { ...checked, ...(checked.encrypt && { encrypt: checked.encrypt.toLowerCase() }) };
}

/** What no job could do is said when the pool is made. */
async function refusePlain(installation: Installation, { name, drive, encrypt }: PoolConfig): Promise<void> {
  if (drive === undefined || encrypt === undefined) return;
  const config = (await listDrives(installation)).find((candidate) => candidate.name === drive);
  if (config?.type !== 'virtual') return;
  const message = `pool '${name}' cannot be encrypted on drive '${drive}': virtual drives have no hardware encryption`;
  throw new FerriteError('usage', 'no-encryption', message);
}

async function storeDrive(installation: Installation, pool: string, drive: string | undefined): Promise<void> {
  await updateConfig(installation, OWN_FILE, ferriteSectionTypes, (own) => {
    const exists = own.get(ferritePoolSection, pool) !== undefined;
    if (drive !== undefined) {
      const value = { name: pool, drive };
      if (exists) own.replace(ferritePoolSection, value);
      else own.add(ferritePoolSection, value);
    } else if (exists && own.unknownProperties(pool, ferritePoolSection).length > 0)
      own.replace(ferritePoolSection, { name: pool });
    else if (exists) own.remove(pool, ferritePoolSection);
  });
}

/** Removes the pool. Its tapes stay known and readable; no check whether there are any (as PBS). */
export async function removePool(installation: Installation, name: string): Promise<void> {
  await updateConfig(installation, FILE, poolSectionTypes, async (document) => {
    if (!document.get(poolSection, name)) unknownPool(name);
    document.remove(name);
    await updateConfig(installation, OWN_FILE, ferriteSectionTypes, (own) => {
      if (own.get(ferritePoolSection, name)) own.remove(name, ferritePoolSection);
    });
  });
}

/** `daily` with `7days` needs an eighth set: said when the pool is made, not when a tape is missing at night (D2). */
function policyNotes(installation: Installation, pool: Omit<PoolConfig, 'drive'>): string[] {
  const allocation = pool.allocation ?? DEFAULT_ALLOCATION;
  const retention = parseRetention(pool.retention ?? DEFAULT_RETENTION);
  const sets = setsInRotation(parseAllocation(allocation), retention, now(installation), installation.zone);
  if (!sets || retention.kind !== 'span') return [];
  const kept = formatTimeSpan(retention.span.wholeSeconds);
  return [
    `pool '${pool.name}': retention (${kept}) begins when the next media set does, so with allocation '${allocation}' ` +
      `${sets.needed} sets, not ${sets.covering}, are in use before the first may be overwritten`,
  ];
}
