/**
 * Brings a certain tape into the drive (behaviour.md section 11): loads it, and where it is not to be had asks the operator
 * and looks again every few seconds until it is there. A tape is told by its uuid, never by its text alone.
 */
import { FerriteError, toFerriteError } from '../errors.ts';
import type { WorkLog } from '../log.ts';
import type { TapeLabels } from '../native.ts';
import { type OpenDrive, onTape } from './drives/drive.ts';
import { loadMedia } from './load.ts';
import { nobody } from './operator.ts';

export type ReadLabels = (drive: OpenDrive) => Promise<TapeLabels | null>;

export interface WantedTape {
  readonly labelText: string;
  readonly uuid: string;
}

const PAUSE_SECONDS = 5;
const EMPTY = 'no-medium';

/** Resolves with the labels of the tape, which is in the drive then. Waits as long as the drive's operator does. */
export async function requestMedia(
  drive: OpenDrive,
  wanted: WantedTape,
  log: WorkLog,
  readLabels: ReadLabels = ({ tape }) => tape.readLabels(),
): Promise<TapeLabels> {
  const operator = drive.operator ?? nobody;
  let told: string | undefined;
  for (;;) {
    log.signal.throwIfAborted();
    try {
      return await tryMedia(drive, wanted, log, readLabels);
    } catch (thrown) {
      const error = toFerriteError(thrown);
      if (!canBeMet(error) || log.signal.aborted) throw thrown;
      // An empty drive is no news to somebody who was asked for a tape already.
      if (error.message !== told && !(told !== undefined && error.code === EMPTY)) {
        told = error.message;
        const { labelText } = wanted;
        operator.ask({ kind: 'insert-tape', drive: drive.name, changer: drive.changer, labelText, reason: told }, log);
        if (!operator.waits) throw error;
        log.info(told);
        log.info(waitingLine(drive, labelText, operator.howToStop));
      }
      if (!drive.library && error.code !== EMPTY) await drive.tape.eject(); // so that the right one can be inserted
      await operator.pause(PAUSE_SECONDS, log.signal);
    }
  }
}

/** What no tape that somebody brings will change. */
const HOPELESS = ['device-gone', 'encryption', 'internal', 'no-device', 'permission', 'wrong-device'];

/** Whether somebody at the library can do something about it; wrong requests and bugs stay as they are. */
function canBeMet({ kind, code }: FerriteError): boolean {
  return kind !== 'usage' && kind !== 'aborted' && !HOPELESS.includes(code);
}

function waitingLine(drive: OpenDrive, labelText: string, howToStop: string | undefined): string {
  const place = drive.changer === undefined ? `drive '${drive.name}'` : `the library of drive '${drive.name}'`;
  return `waiting for tape '${labelText}': insert it into ${place}${howToStop ? ` (${howToStop})` : ''}`;
}

async function tryMedia(
  drive: OpenDrive,
  wanted: WantedTape,
  log: WorkLog,
  readLabels: ReadLabels,
): Promise<TapeLabels> {
  if (drive.library) {
    await requireInLibrary(drive, wanted.labelText);
    await loadMedia(drive, wanted.labelText, log);
  }
  const found = await onTape(wanted.labelText, readLabels(drive));
  const place = `the tape in drive '${drive.name}'`;
  if (!found) {
    throw new FerriteError(
      'operator',
      'I3',
      `${place}, expected to be '${wanted.labelText}', has no label: it is blank, not the tape with uuid ${wanted.uuid}`,
    );
  }
  if (found.label.uuid !== wanted.uuid) {
    const { labelText, uuid } = found.label;
    throw new FerriteError(
      'operator',
      'I3',
      `${place} is '${labelText}' (${uuid}), wanted is '${wanted.labelText}' (${wanted.uuid})`,
    );
  }
  log.info(`found media label ${found.label.labelText} (${found.label.uuid})`);
  return found;
}

/** A virtual drive makes a new tape when it is told to load one that it does not have; a job wants the one it knows. */
async function requireInLibrary({ name, config, library }: OpenDrive, labelText: string): Promise<void> {
  if (config.type !== 'virtual' || (await library?.onlineLabels())?.includes(labelText)) return;
  throw new FerriteError(
    'operator',
    'tape-offline',
    `tape '${labelText}' is not in the library of drive '${name}': bring it there`,
  );
}
