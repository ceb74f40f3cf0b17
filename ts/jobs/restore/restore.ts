/** A media set, or chosen snapshots of it, back into datastores as a task (behaviour.md section 12). */
import { usableDatastore } from '../../config/datastores.ts';
import type { Installation } from '../../config/installation.ts';
import { parseNamespaceMappings, parseStoreMapping, targetStores } from '../../config/store_mapping.ts';
import { FerriteError } from '../../errors.ts';
import { withNotices } from '../../library/drives/alerts.ts';
import { type DriveAccess, type OpenDrive, withReservedDrive } from '../../library/drives/drive.ts';
import type { TaskObserver, TaskOutcome, WorkLog } from '../../log.ts';
import { withMediaSet } from '../../media/media_locks.ts';
import type { InventoryEntry } from '../../native.ts';
import { type ClaimedDatastore, withDatastores } from '../datastore/datastores.ts';
import { runDriveTask } from '../drive_tasks.ts';
import { type Announcement, announced, type Waiting } from '../notify/announced.ts';
import { recordSpeed } from '../plan/drive_speed.ts';
import { restoreChosen } from './chosen.ts';
import { failIfLost, type RestoreSummary, storeTargets } from './summary.ts';
import { requireMembers } from './tapes.ts';
import { restoreWholeSet } from './whole.ts';

export interface RestoreParameters extends DriveAccess {
  /** UUID of the media set. */
  mediaSet: string;
  /** `[source=]target[,...]` */
  store: string;
  /** Owner of restored groups; root@pam where not given. */
  owner?: string | undefined;
  /** `<store>:<snapshot>`, as \`media content\` shows them; the whole set where neither these nor namespaces are given. */
  snapshots?: readonly string[] | undefined;
  /** `store=<source>[,source=<ns>][,target=<ns>][,max-depth=<n>]` */
  namespaces?: readonly string[] | undefined;
  /** Who is told about requests and results; root@pam where not given. */
  notifyUser?: string | undefined;
  notificationMode?: 'legacy-sendmail' | 'notification-system' | undefined;
  /** To wait for tapes that are not at hand; else the restore fails. */
  waiting?: Waiting | undefined;
  /** Bound of the memory for chunk data; 256 MiB where not given. */
  memoryBytes?: number | undefined;
}

export async function restore(
  installation: Installation,
  parameters: RestoreParameters,
  observer: TaskObserver,
): Promise<TaskOutcome<RestoreSummary>> {
  const { mediaSet, targets, isWhole } = await checkRestore(installation, parameters);
  return withReservedDrive(installation, parameters, observer.signal, (drive) =>
    // Locked until the restore ends (D20).
    withMediaSet(installation, mediaSet, async () => {
      const members = await requireMembers(installation, mediaSet, { complete: isWhole });
      return withDatastores(installation, targets, 'write', observer.signal, (stores) => {
        const identity = { type: 'tape-restore', id: targets.join(', ') };
        return runDriveTask(installation, drive, identity, observer, (open, log, upid) =>
          announced(announcementOf(installation, parameters, targets, open), upid, log, (log, operator) => {
            const drive = { ...open, operator };
            const request = { ...parameters, mediaSet };
            return withNotices(drive, log, () => runRestore(installation, request, drive, members, stores, log));
          }),
        );
      });
    }),
  );
}

function announcementOf(
  installation: Installation,
  { notifyUser, notificationMode, operator, waiting }: RestoreParameters,
  targets: readonly string[],
  drive: OpenDrive,
): Announcement<RestoreSummary> {
  return {
    installation,
    job: { kind: 'restore', store: targets.join(', '), drive: drive.name },
    notifyUser,
    mode: notificationMode,
    operator,
    waiting,
    tellsAborts: false,
    summarize: ({ mediaSetUuid, restored, media }) => ({
      mediaSetUuid,
      snapshots: restored.map(({ target, snapshot }) => `${target}:${snapshot}`),
      tapes: media.map(({ labelText }) => labelText),
    }),
  };
}

export interface CheckedRestore {
  readonly mediaSet: string;
  /** Datastores. */
  readonly targets: readonly string[];
  /** Every tape is read from its beginning to its end. */
  readonly isWhole: boolean;
}

/** What can be known to be wrong before a busy drive is waited for; looked at again when everything is locked. */
export async function checkRestore(installation: Installation, parameters: RestoreParameters): Promise<CheckedRestore> {
  const targets = targetStores(parseStoreMapping(parameters.store));
  const mediaSet = parseMediaSet(parameters.mediaSet);
  parseNamespaceMappings(parameters.namespaces ?? []);
  for (const target of targets) await usableDatastore(installation, target, 'write');
  const isWhole = !parameters.snapshots?.length && !parameters.namespaces?.length;
  await requireMembers(installation, mediaSet, { complete: isWhole });
  return { mediaSet, targets, isWhole };
}

async function runRestore(
  installation: Installation,
  parameters: RestoreParameters,
  drive: OpenDrive,
  members: readonly InventoryEntry[],
  stores: readonly ClaimedDatastore[],
  log: WorkLog,
): Promise<RestoreSummary> {
  const mapping = parseStoreMapping(parameters.store);
  const { mediaSet, snapshots, namespaces, owner = 'root@pam', memoryBytes } = parameters;
  const isWhole = !snapshots?.length && !namespaces?.length;
  const summary = isWhole
    ? await restoreWholeSet(installation, drive, parameters, members, storeTargets(mapping, stores), log)
    : await restoreChosen({
        installation,
        drive,
        mediaSet,
        members,
        stores,
        mapping,
        snapshots: snapshots?.length ? snapshots : undefined,
        namespaces: namespaces?.length ? parseNamespaceMappings(namespaces) : undefined,
        owner,
        memoryBytes,
        log,
      });
  await recordSpeed(installation, drive.name, 'read', { bytes: summary.bytesRead, seconds: summary.seconds });
  log.info(
    `restored ${summary.restored.length} snapshots, ${summary.chunksRestored} chunks (${summary.chunksPresent} were there already)`,
  );
  failIfLost(summary);
  return summary;
}

function parseMediaSet(text: string): string {
  const uuid = text.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) return uuid;
  const message = `'${text}' is no UUID: 'proxmox-tape media content' lists the media sets`;
  throw new FerriteError('usage', 'bad-parameter', message);
}
