import test from 'ava';
import fc from 'fast-check';
import { escapeUnitName } from '../../../ts/config/paths.ts';
import { parseUpid, printUpid, unescapeId } from '../../../ts/jobs/tasks/upid.ts';

test('a task id has the fields of PBS in their order', (t) => {
  const upid = {
    node: 'pbs1',
    pid: 0x1234,
    processStart: 0xabcdef,
    task: 1,
    startTime: 1700000000,
    type: 'tape-backup',
    id: 'store1:daily:drive-0',
    user: 'root@pam',
  };
  const text = 'UPID:pbs1:00001234:00ABCDEF:00000001:6553F100:tape-backup:store1\\x3adaily\\x3adrive\\x2d0:root@pam:';
  t.is(printUpid(upid), text);
  t.deepEqual(parseUpid(text), upid);
});

test('text that is no task id is refused', (t) => {
  for (const text of ['', 'UPID:', 'UPID:n:1:2:3:4:t:i:u:', 'UPID:n:00000001:00000001:00000001:00000001:t:i:u']) {
    t.is(parseUpid(text), undefined, text);
  }
});

test('any id survives its escape', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (id) => {
      const escaped = escapeUnitName(id);
      t.regex(escaped, /^[A-Za-z0-9_.\\-]*$/);
      t.is(unescapeId(escaped), id);
    }),
  );
  t.pass();
});
