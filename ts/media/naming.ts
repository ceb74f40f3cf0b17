/** Names of media sets, made from the pool's template. */
import type { InventoryEntry } from '../native.ts';
import { strftime } from '../time/strftime.ts';
import { setStartTime } from './membership.ts';

const DEFAULT_TEMPLATE = '%c';

/** `%id%` is the set's UUID, the rest a strftime format of its start time. The UUID alone while that time is unknown. */
export function mediaSetName(
  entries: readonly InventoryEntry[],
  setUuid: string,
  template: string | undefined,
  zone: string,
): string {
  const start = setStartTime(entries, setUuid);
  if (start === undefined) return setUuid;
  const name = strftime((template ?? DEFAULT_TEMPLATE).replaceAll('%id%', setUuid), start, zone);
  return name === '' ? setUuid : name;
}
