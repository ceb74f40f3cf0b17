/** What is remembered about keys on tapes and on paper. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  forgetTapeKey,
  readKeyRecords,
  recordPaperKey,
  recordTapeKey,
  wrappingOnTape,
} from '../../ts/media/key_records.ts';
import type { TapeLabels } from '../../ts/native.ts';
import { temporaryInstallation } from '../temporary_installation.ts';
import { fingerprintOf, tape, uuidOf } from './tapes.ts';

const MODIFIED = '2021-01-06T09:07:51+00:00';

function labels(options: { key?: string; config?: object | string | undefined; set?: string } = {}): TapeLabels {
  const { key = 'F1', config = { modified: MODIFIED, hint: 'pet' }, set = 'S1' } = options;
  const { label, mediaSetLabel } = tape({ tape: 'T1', pool: 'p1', set, joined: 10, key });
  const keyConfig = typeof config === 'string' ? config : JSON.stringify(config);
  return { label, mediaSetLabel: { ...mediaSetLabel, keyConfig } as never };
}

const RECORD = { fingerprint: fingerprintOf('F1'), mediaSetUuid: uuidOf('S1'), modified: 1609924071, hint: 'pet' };

function withNotices(t: ExecutionContext) {
  const notices: string[] = [];
  const installation = temporaryInstallation(t, { onNotice: (message) => notices.push(message) });
  return { installation, notices, path: installation.paths.keyRecordFile };
}

test('the wrapped key of a set label', (t) => {
  t.deepEqual(wrappingOnTape(labels()), RECORD);
  const { hint: _hint, ...withoutHint } = RECORD;
  t.deepEqual(wrappingOnTape(labels({ config: { modified: MODIFIED, hint: 7 } })), withoutHint);
  t.is(wrappingOnTape(labels({ config: 'no JSON' })), undefined);
  t.is(wrappingOnTape(labels({ config: '' })), undefined);
  t.is(wrappingOnTape(labels({ set: 'Z' })), undefined, 'only reserved for a pool');
  t.is(wrappingOnTape({ label: tape({ tape: 'T1' }).label }), undefined);
  const { label, mediaSetLabel } = labels();
  const { encryptionKeyFingerprint: _, ...plain } = mediaSetLabel as NonNullable<TapeLabels['mediaSetLabel']>;
  t.is(wrappingOnTape({ label, mediaSetLabel: plain }), undefined, 'a config without a fingerprint');
});

test('a tape is remembered, remembered anew, and forgotten', async (t) => {
  const { installation, notices, path } = withNotices(t);
  await recordTapeKey(installation, labels());
  t.deepEqual(await readKeyRecords(installation), { tapes: { [uuidOf('T1')]: RECORD }, papers: {} });
  t.is(statSync(path).mode & 0o777, 0o600, 'only the bits of the caller, who is no service user');
  const before = statSync(path).ino;
  await recordTapeKey(installation, labels());
  t.is(statSync(path).ino, before, 'nothing new, nothing written');
  await recordTapeKey(installation, labels({ set: 'S2' }));
  t.is((await readKeyRecords(installation)).tapes[uuidOf('T1')]?.mediaSetUuid, uuidOf('S2'));
  await recordTapeKey(installation, { label: labels().label });
  t.deepEqual((await readKeyRecords(installation)).tapes, {}, 'it is not encrypted any more');
  await recordTapeKey(installation, labels());
  await forgetTapeKey(installation, uuidOf('T1'));
  t.deepEqual((await readKeyRecords(installation)).tapes, {});
  const last = statSync(path).ino;
  await forgetTapeKey(installation, uuidOf('T1'));
  t.is(statSync(path).ino, last);
  t.deepEqual(notices, []);
});

test('paper keys are remembered beside tapes', async (t) => {
  const { installation } = withNotices(t);
  await recordTapeKey(installation, labels());
  await recordPaperKey(installation, RECORD.fingerprint, { made: 5, modified: 4 });
  const { tapes, papers } = await readKeyRecords(installation);
  t.deepEqual(Object.keys(tapes), [uuidOf('T1')]);
  t.deepEqual(papers, { [RECORD.fingerprint]: { made: 5, modified: 4 } });
});

test('a damaged file is told of, and begun anew', async (t) => {
  const { installation, notices, path } = withNotices(t);
  t.deepEqual(await readKeyRecords(installation), { tapes: {}, papers: {} });
  t.deepEqual(notices, [], 'a missing one is none');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '{');
  await recordPaperKey(installation, 'F', { made: 1, modified: 1 });
  t.regex(notices.join(), /cannot be read .* it begins anew/);
  t.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { tapes: {}, papers: { F: { made: 1, modified: 1 } } });
});

test('what cannot be stored is told, and is no failure', async (t) => {
  const { installation, notices, path } = withNotices(t);
  mkdirSync(path, { recursive: true });
  await recordPaperKey(installation, 'F', { made: 1, modified: 1 });
  t.regex(notices.at(-1) ?? '', /^'key status' will not know it: /);
  rmSync(path, { recursive: true });
});

test('the lock is given back', async (t) => {
  const { installation } = withNotices(t);
  await recordPaperKey(installation, 'F', { made: 1, modified: 1 });
  const lock = await installation.acquireLock(installation.paths.keyRecordLock, { timeoutMs: 0 });
  lock.release();
  t.pass();
});
