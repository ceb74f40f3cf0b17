/** Plans as lines for a person. */
import type { BackupPlan, PlannedTape } from '../../jobs/plan/backup_plan.ts';
import type { PlannedRead, RestorePlan } from '../../jobs/plan/restore_plan.ts';
import { bytes } from '../report/renderers.ts';

const size = (count: number): string => bytes(count, {});

const LABEL_COLUMNS = 12;

function line(name: string, text: string): string {
  return `${`${name}:`.padEnd(LABEL_COLUMNS)}${text}`;
}

const SOURCES: Readonly<Record<PlannedTape['source'], string>> = {
  current: 'goes on',
  empty: 'empty',
  expired: 'expired, is overwritten',
  unassigned: 'of no pool',
  missing: 'missing',
};

export function durationText(seconds: number | undefined): string {
  if (seconds === undefined) return 'not known: this drive was not used yet';
  if (seconds < 60) return 'less than a minute';
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `about ${minutes} min` : `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function backupPlanLines(plan: BackupPlan): string[] {
  const { store, pool, drive, mediaSetUuid, newSetReason, snapshots, skipped, failed, tapes, missingTapes } = plan;
  const reason = newSetReason === undefined ? '' : `: ${newSetReason}`;
  return [
    line('backup', `datastore '${store}' to pool '${pool}' on drive '${drive}'`),
    line('media set', mediaSetUuid === undefined ? `a new one${reason}` : `${mediaSetUuid} goes on`),
    line('snapshots', `${snapshots.length} to write, ${skipped} are on tape already`),
    ...snapshots.map((snapshot) => `  ${snapshot}`),
    ...failed.map(({ snapshot, message }) => `  cannot be written: ${snapshot}: ${message}`),
    line('data', `${size(plan.chunkBytes)} in ${plan.chunks} new chunks; ${plan.skippedChunks} need not be written`),
    line('on tape', size(plan.tapeBytes)),
    line('tapes', tapes.length === 0 ? 'none' : `${tapes.length}, in this order`),
    ...tapes.map(tapeLine),
    ...(missingTapes > 0 ? [line('missing', missingText(missingTapes, pool))] : []),
    line('time', durationText(plan.seconds)),
    ...plan.notes.map((note) => line('note', note)),
  ];
}

function missingText(count: number, pool: string): string {
  return count === 1
    ? `a blank tape: label it for pool '${pool}'`
    : `${count} blank tapes: label them for pool '${pool}'`;
}

function tapeLine({ labelText, seqNr, source, tapeBytes }: PlannedTape): string {
  return `  ${seqNr}: ${labelText ?? 'a blank tape'} (${SOURCES[source]}), ${size(tapeBytes)}`;
}

export function restorePlanLines(plan: RestorePlan): string[] {
  const { mediaSetUuid, pool, drive, whole, restored, existing, tapes, bytes: total, mounts } = plan;
  return [
    line('restore', `${whole ? 'media set' : 'chosen snapshots of media set'} ${mediaSetUuid} of pool '${pool}'`),
    line('drive', drive),
    line('snapshots', `${restored.length} to restore, ${existing.length} are there already`),
    ...restored.map(({ store, snapshot, target, restoredAs }) => `  ${store}:${snapshot} to ${target}:${restoredAs}`),
    line('tapes', tapes.length === 0 ? 'none' : `${tapes.length}, in this order; ${mounts} mounts`),
    ...tapes.map(readLine),
    ...(plan.key ? [line('encryption', keyText(plan.key))] : []),
    line('to read', total === undefined ? 'not known' : size(total)),
    line('time', durationText(plan.seconds)),
    ...plan.notes.map((note) => line('note', note)),
  ];
}

function keyText({ fingerprint, stored, hint }: NonNullable<RestorePlan['key']>): string {
  const named = `key ${fingerprint} (${hint === undefined ? 'no password hint' : `password hint: '${hint}'`})`;
  if (stored) return named;
  return (
    `${named} IS NOT STORED HERE: with a tape of the set in the drive run 'proxmox-tape key restore', or ` +
    "'proxmox-tape key import <file>', before the restore"
  );
}

function readLine({ labelText, seqNr, location, atHand, bytes: count }: PlannedRead): string {
  const amount = count === undefined ? '' : `, ${size(count)}`;
  return `  ${seqNr}: ${labelText} (${location}${atHand ? '' : ': bring it'})${amount}`;
}
