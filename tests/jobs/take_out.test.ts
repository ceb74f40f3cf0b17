import test from 'ava';
import { decideTakeOut } from '../../ts/jobs/backup/take_out.ts';

const used = { hasLibrary: true, usedTapes: true };
const both = { ejectMedia: true, exportMediaSet: true };

test('S-186 eject and export asked for: export only', (t) => {
  t.is(decideTakeOut(both, used), 'export');
});

test('a set is exported also when the job wrote nothing; ejected is only what it loaded', (t) => {
  const idle = { ...used, usedTapes: false };
  t.is(decideTakeOut({ exportMediaSet: true }, idle), 'export');
  t.is(decideTakeOut({ ejectMedia: true }, idle), 'leave');
  t.is(decideTakeOut({ ejectMedia: true }, used), 'eject');
  t.is(decideTakeOut({}, used), 'leave');
});

test('without a library the tape is ejected instead', (t) => {
  t.is(decideTakeOut(both, { hasLibrary: false, usedTapes: true }), 'eject');
  t.is(decideTakeOut({ exportMediaSet: true }, { hasLibrary: false, usedTapes: false }), 'leave');
});
