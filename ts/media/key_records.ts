/**
 * What PBS's files have no place for: which tapes carry which key under which password, as their labels said when they were
 * last read or written, and which keys were printed. Nothing depends on it but what `key status` tells; a damaged or lost file
 * means that tapes have to be looked at again.
 */
import { readFile } from 'node:fs/promises';
import { type Installation, lockFile } from '../config/installation.ts';
import { replaceFile } from '../config/replace_file.ts';
import { toFerriteError } from '../errors.ts';
import type { TapeLabels } from '../native.ts';
import { parseRfc3339 } from '../time/rfc3339.ts';
import { setLabelOf } from './membership.ts';

/** A key under a password, told from others of the same key by when the password was set. */
export interface WrappingRecord {
  /** Epoch seconds. */
  modified: number;
  hint?: string;
}

/** The wrapped key in the media-set label of a tape. */
export interface TapeKeyRecord extends WrappingRecord {
  fingerprint: string;
  mediaSetUuid: string;
}

/** The newest paper key. */
export interface PaperKeyRecord extends WrappingRecord {
  /** When it was printed, epoch seconds. */
  made: number;
}

export interface KeyRecords {
  /** By media UUID. */
  tapes: Record<string, TapeKeyRecord>;
  /** By fingerprint. */
  papers: Record<string, PaperKeyRecord>;
}

const MODE = 0o640;

export async function readKeyRecords(installation: Installation): Promise<KeyRecords> {
  const path = installation.paths.keyRecordFile;
  try {
    const { tapes, papers } = JSON.parse(await readFile(path, 'utf8')) as Partial<KeyRecords>;
    return { tapes: { ...tapes }, papers: { ...papers } };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      installation.notice(`${path} cannot be read (${toFerriteError(error).message}): it begins anew`);
    }
    return { tapes: {}, papers: {} };
  }
}

async function updateKeyRecords(installation: Installation, change: (records: KeyRecords) => void): Promise<void> {
  const path = installation.paths.keyRecordFile;
  const lock = await lockFile(installation, installation.paths.keyRecordLock, 'the records of keys');
  try {
    const records = await readKeyRecords(installation);
    change(records);
    const text = `${JSON.stringify(records, null, 2)}\n`;
    await replaceFile(installation, path, text, { mode: MODE, owner: installation.owner });
  } finally {
    lock.release();
  }
}

/** What the set label of a tape says about its key; undefined: its set is not encrypted. */
export function wrappingOnTape(labels: TapeLabels): TapeKeyRecord | undefined {
  const set = setLabelOf(labels);
  if (!set?.encryptionKeyFingerprint || !set.keyConfig) return undefined;
  try {
    const { modified, hint } = JSON.parse(set.keyConfig) as { modified: string; hint?: string };
    return {
      fingerprint: set.encryptionKeyFingerprint,
      mediaSetUuid: set.uuid,
      modified: parseRfc3339(modified),
      ...(typeof hint === 'string' && { hint }),
    };
  } catch {
    return undefined; // no key config at all: whoever needs the key is told what is wrong with it
  }
}

/** Remembers what the labels that were just read from, or written to, a tape say. Its failure is no failure of the caller. */
export async function recordTapeKey(installation: Installation, labels: TapeLabels): Promise<void> {
  const { uuid } = labels.label;
  const found = wrappingOnTape(labels);
  const known = (await readKeyRecords(installation)).tapes[uuid];
  if (JSON.stringify(known) === JSON.stringify(found)) return;
  await noticeFailure(
    installation,
    updateKeyRecords(installation, ({ tapes }) => {
      if (found) tapes[uuid] = found;
      else delete tapes[uuid];
    }),
  );
}

export async function forgetTapeKey(installation: Installation, mediaUuid: string): Promise<void> {
  if (!(await readKeyRecords(installation)).tapes[mediaUuid]) return;
  await noticeFailure(
    installation,
    updateKeyRecords(installation, ({ tapes }) => {
      delete tapes[mediaUuid];
    }),
  );
}

export async function recordPaperKey(
  installation: Installation,
  fingerprint: string,
  record: PaperKeyRecord,
): Promise<void> {
  await noticeFailure(
    installation,
    updateKeyRecords(installation, ({ papers }) => {
      papers[fingerprint] = record;
    }),
  );
}

async function noticeFailure(installation: Installation, update: Promise<void>): Promise<void> {
  await update.catch((error) => installation.notice(`'key status' will not know it: ${toFerriteError(error).message}`));
}
