/** A whole media set back into datastores (behaviour.md 12.2): every tape in order, from its labels to its end. */
import type { Installation } from '../../config/installation.ts';
import { type OpenDrive, onTape } from '../../library/drives/drive.ts';
import type { WorkLog } from '../../log.ts';
import { setLabelOf } from '../../media/membership.ts';
import type { InventoryEntry, RestoreOutcome, StoreTarget, TapeLabels } from '../../native.ts';
import { emptySummary, idleMappings, type RestoreSummary, restoreListener } from './summary.ts';
import { loadMember } from './tapes.ts';

export interface WholeRestore {
  mediaSet: string;
  owner?: string | undefined;
  memoryBytes?: number | undefined;
}

export async function restoreWholeSet(
  installation: Installation,
  drive: OpenDrive,
  parameters: WholeRestore,
  members: readonly InventoryEntry[],
  mapping: StoreTarget[],
  log: WorkLog,
): Promise<RestoreSummary> {
  const labels = members.map((entry) => entry.label.labelText);
  const [first] = members;
  const key = first && setLabelOf(first)?.encryptionKeyFingerprint;
  log.info(`restore media set ${parameters.mediaSet} of pool '${first?.mediaSetLabel?.pool}'`);
  if (key) log.info(`encryption key fingerprint: ${key}`);
  log.info(
    `datastore(s): ${mapping.map(({ source, target }) => (source ? `${source}=${target.name}` : target.name)).join(', ')}`,
  );
  log.info(`drive: ${drive.name}`);
  log.info(`required tapes: ${labels.join(';')}`);
  const summary = emptySummary(parameters.mediaSet);
  for (const [index, entry] of members.entries()) {
    log.signal.throwIfAborted();
    const found = await loadMember(installation, drive, entry, summary, log);
    const outcome = await restoreTape(installation, drive, parameters, found, mapping, index / members.length, log);
    addOutcome(summary, outcome, found);
  }
  const seen = [summary.restored, summary.existing, summary.lost].flat();
  const idle = idleMappings(
    mapping.map(({ source }) => source),
    seen,
    summary.mediaSetUuid,
  );
  if (idle !== undefined) log.warn(idle);
  return summary;
}

function restoreTape(
  installation: Installation,
  drive: OpenDrive,
  parameters: WholeRestore,
  labels: TapeLabels,
  mapping: StoreTarget[],
  fraction: number,
  log: WorkLog,
): Promise<RestoreOutcome> {
  const plan = {
    labels,
    mapping,
    ownerAuthId: parameters.owner ?? 'root@pam',
    catalogPath: installation.paths.catalogFile(labels.label.uuid),
    ...(installation.owner && { owner: installation.owner }),
    ...(parameters.memoryBytes !== undefined && { memoryBytes: parameters.memoryBytes }),
  };
  const { labelText } = labels.label;
  return onTape(labelText, drive.tape.restore(plan, restoreListener(labelText, log, fraction)));
}

function addOutcome(summary: RestoreSummary, outcome: RestoreOutcome, labels: TapeLabels): void {
  const { labelText } = labels.label;
  for (const { store, snapshot, target, fileNumber } of outcome.restored) {
    summary.restored.push({ store, snapshot, target: target ?? '', fileNumber: fileNumber ?? 0, labelText });
  }
  summary.existing.push(...outcome.existing.map(({ store, snapshot }) => ({ store, snapshot })));
  summary.skipped.push(...outcome.skipped.map(({ store, snapshot }) => ({ store, snapshot })));
  for (const { fileNumber, message, lost } of outcome.incomplete) {
    if (lost) summary.lost.push({ store: lost.store, snapshot: lost.snapshot, labelText, fileNumber, message });
    else summary.unfinished.push({ labelText, fileNumber, message });
  }
  summary.chunksRestored += outcome.chunksRestored;
  summary.chunksPresent += outcome.chunksPresent;
  summary.bytesRead += outcome.bytesRead;
  summary.bytesRestored += outcome.bytesRestored;
  summary.seconds += outcome.seconds;
}
