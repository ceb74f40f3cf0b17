/** A job that needs a tape which is not there: it asks, waits, and goes on when the tape has come (behaviour.md 11). */
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import test from 'ava';
import type { Operator, OperatorRequest } from '../../ts/library/operator.ts';
import { Site } from '../jobs/site.ts';
import { RecordingObserver } from '../recording_observer.ts';

/** An operator who does something about the n-th pause. */
function operator(actions: (() => void)[], waits = true): Operator & { asked: OperatorRequest[]; pauses: number } {
  return {
    waits,
    howToStop: 'Ctrl-C stops the job',
    asked: [],
    pauses: 0,
    ask(request) {
      this.asked.push(request);
    },
    async pause(_seconds, signal) {
      signal.throwIfAborted();
      actions[this.pauses++]?.();
    },
  };
}

/** Moves the files of a virtual tape out of the drive's directory, or back. */
function moveTape(site: Site, label: string, direction: 'out' | 'in'): void {
  mkdirSync(site.path('shelf'), { recursive: true });
  const [from, to] = direction === 'out' ? ['tapes-vdrive', 'shelf'] : ['shelf', 'tapes-vdrive'];
  for (const file of readdirSync(site.path(from)).filter((name) => name.endsWith(`-${label}.json`))) {
    renameSync(site.path(from, file), site.path(to, file));
  }
}

async function setOfOneTape(t: Parameters<typeof Site.make>[0]): Promise<{ site: Site; uuid: string }> {
  const site = await Site.make(t, { tapes: ['T1', 'T2'] });
  await site.addSnapshot('vm/1', 1, ['a']);
  const { summary } = await site.backup();
  await site.addTarget('target');
  await site.load('T2');
  moveTape(site, 'T1', 'out');
  return { site, uuid: summary.mediaSetUuid };
}

test('asked once, waited for, and the job goes on', async (t) => {
  const { site, uuid } = await setOfOneTape(t);
  const person = operator([() => {}, () => moveTape(site, 'T1', 'in')]);
  const { summary, observer } = await site.restore({ mediaSet: uuid, store: 'target', operator: person });
  t.is(summary.restored.length, 1);
  t.is(person.pauses, 2);
  t.deepEqual(person.asked, [
    {
      kind: 'insert-tape',
      drive: 'vdrive',
      changer: 'vdrive',
      labelText: 'T1',
      reason: "tape 'T1' is not in the library of drive 'vdrive': bring it there",
    },
  ]);
  t.true(observer.lines.some((line) => /waiting for tape 'T1'.*Ctrl-C stops the job/.test(line)));
});

test('nobody waits: the job fails, and the request is passed on all the same', async (t) => {
  const { site, uuid } = await setOfOneTape(t);
  const person = operator([], false);
  const { outcome } = await site.restore({ mediaSet: uuid, store: 'target', operator: person });
  t.regex(outcome.status, /tape 'T1' is not in the library of drive 'vdrive': bring it there$/);
  t.is(person.asked.length, 1);
  t.is(person.pauses, 0);
});

test('an abort ends the wait', async (t) => {
  const { site, uuid } = await setOfOneTape(t);
  const observer = new RecordingObserver();
  const person = operator([() => {}, () => observer.abort.abort()]);
  const { outcome } = await site.restore({ mediaSet: uuid, store: 'target', operator: person }, observer);
  t.is(outcome.error?.kind, 'aborted');
});
