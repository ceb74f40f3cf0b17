/** A drive without changer: a person inserts the tapes that a job asks for, and takes out the wrong ones (D11). */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { changeDrive } from '../../ts/config/drives.ts';
import { createPool, labelMedia, readLabel } from '../../ts/index.ts';
import { withOpenDrive, withReservedDrive } from '../../ts/library/drives/drive.ts';
import { requestMedia, type WantedTape } from '../../ts/library/media_request.ts';
import type { Operator, OperatorRequest } from '../../ts/library/operator.ts';
import { RecordingObserver, settled } from '../recording_observer.ts';
import { Emulated } from './emulated.ts';

const DRIVE = { drive: 'drive0' };
const IN_DRIVE = { kind: 'drive', number: 0 } as const;

/** Two labelled tapes of pool1 beside a drive that no robot serves; neither is in it. */
async function twoTapes(t: ExecutionContext): Promise<{ emulated: Emulated; wanted: Record<string, WantedTape> }> {
  const emulated = await Emulated.make(t, { drives: 1, slots: 1, importExport: 0 });
  await changeDrive(emulated.installation, 'drive0', {}, { delete: ['changer'] });
  await createPool(emulated.installation, { name: 'pool1' });
  const wanted: Record<string, WantedTape> = {};
  for (const labelText of ['T1', 'T2']) {
    await emulated.insert(IN_DRIVE, labelText);
    wanted[labelText] = await settled(
      labelMedia(emulated.installation, { ...DRIVE, labelText, pool: 'pool1' }, new RecordingObserver()),
    );
    await emulated.library.remove(IN_DRIVE);
  }
  return { emulated, wanted };
}

/** Does something about each pause, and remembers what was asked. */
function person(actions: (() => Promise<unknown>)[]): Operator & { reasons: string[] } {
  let pauses = 0;
  const reasons: string[] = [];
  return {
    waits: true,
    reasons,
    ask: (request: OperatorRequest) => void (request.kind === 'insert-tape' && reasons.push(request.reason)),
    async pause(_, signal) {
      signal.throwIfAborted();
      await actions[pauses++]?.();
    },
  };
}

function request(
  emulated: Emulated,
  wanted: WantedTape | undefined,
  operator: Operator,
  log = new RecordingObserver(),
) {
  return withReservedDrive(emulated.installation, { ...DRIVE, operator }, log.signal, (reserved) =>
    withOpenDrive(reserved, log.signal, (drive) => requestMedia(drive, wanted as WantedTape, log)),
  );
}

test('asked for once, waited for, found', async (t) => {
  const { emulated, wanted } = await twoTapes(t);
  const operator = person([async () => {}, () => emulated.insert(IN_DRIVE, 'T1')]);
  const found = await request(emulated, wanted.T1, operator);
  t.is(found.label.labelText, 'T1');
  t.is(operator.reasons.length, 1);
  t.regex(operator.reasons[0] ?? '', /no tape/);
});

test('a wrong tape is told and ejected; the empty drive after that is no news', async (t) => {
  const { emulated, wanted } = await twoTapes(t);
  await emulated.insert(IN_DRIVE, 'T2');
  const operator = person([
    async () => {
      t.is(await emulated.library.remove(IN_DRIVE), 'T2');
    },
    async () => {},
    () => emulated.insert(IN_DRIVE, 'T1'),
  ]);
  await request(emulated, wanted.T1, operator);
  t.is(operator.reasons.length, 1);
  t.regex(operator.reasons[0] ?? '', /is 'T2' \(.*wanted is 'T1'/);
});

test('a blank tape is not the wanted one', async (t) => {
  const { emulated, wanted } = await twoTapes(t);
  await emulated.insert(IN_DRIVE, 'NEW');
  const operator = person([
    async () => {
      await emulated.library.remove(IN_DRIVE);
      await emulated.insert(IN_DRIVE, 'T1');
    },
  ]);
  await request(emulated, wanted.T1, operator);
  t.regex(operator.reasons[0] ?? '', /has no label/);
});

test('a drive that is gone is no matter of tapes: the job ends', async (t) => {
  const { emulated, wanted } = await twoTapes(t);
  await changeDrive(emulated.installation, 'drive0', { path: join(emulated.directory, 'drive9') });
  const operator = person([]);
  await t.throwsAsync(request(emulated, wanted.T1, operator), { code: 'no-device' });
  t.deepEqual(operator.reasons, []);
});

test('commands on a drive without changer', async (t) => {
  const { emulated } = await twoTapes(t);
  await emulated.insert(IN_DRIVE, 'T1');
  t.is((await readLabel(emulated.installation, DRIVE)).labelText, 'T1');
  const { ejectMedia, loadMedia, listTapes } = await import('../../ts/index.ts');
  const log = new RecordingObserver();
  t.is((await loadMedia(emulated.installation, { ...DRIVE, labelText: 'T2' }, log)).error?.code, 'no-changer');
  await t.throwsAsync(listTapes(emulated.installation, DRIVE, log), { code: 'no-changer' });
  await settled(ejectMedia(emulated.installation, DRIVE, new RecordingObserver()));
  await t.throwsAsync(readLabel(emulated.installation, DRIVE), { code: 'no-medium' });
  t.is(await emulated.library.remove(IN_DRIVE), 'T1');
});
