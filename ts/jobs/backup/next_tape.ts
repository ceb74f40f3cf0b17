/** The tape that a job would write to now (behaviour.md section 5): the decisions of the job, without locks. */
import { changerOf, driveConfig } from '../../config/drives.ts';
import { type Installation, now } from '../../config/installation.ts';
import { poolConfig } from '../../config/pools.ts';
import { decideAllocation } from '../../media/allocation.ts';
import { InventoryFile } from '../../media/inventory_file.ts';
import { sessionOf } from '../../media/location.ts';
import { ZERO_UUID } from '../../media/membership.ts';
import { poolPolicy } from '../../media/pool_policy.ts';
import { startSession } from '../../media/session_start.ts';

/** Label text; undefined: there is none. Nothing is stored; where tapes are is what was last known. */
export async function nextTapeOf(
  installation: Installation,
  job: { pool: string; drive: string },
): Promise<string | undefined> {
  const pool = poolPolicy(await poolConfig(installation, job.pool), installation.zone);
  const session = sessionOf(changerOf(await driveConfig(installation, job.drive)));
  const { entries } = await new InventoryFile(installation).load();
  const time = now(installation);
  const { set } = startSession({ pool, entries, session, now: time, newUuid: () => ZERO_UUID });
  const decision = decideAllocation({ pool, entries, set, session }, time);
  return decision.kind === 'refused' ? undefined : decision.tape.label.labelText;
}
