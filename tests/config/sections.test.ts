/** The examples of the manual and of PBS's other files. */
import test from 'ava';
import { ConfigDocument } from '../../ts/config/config_document.ts';
import { jobSection, jobSectionTypes } from '../../ts/config/job_section.ts';
import { changerSection, linuxDriveSection, tapeSectionTypes } from '../../ts/config/tape_sections.ts';

const JOB = `backup: job1
\tdrive hh8
\tgroup-filter type:vm
\tgroup-filter exclude:group:vm/100
\tpool p4
\tschedule daily
\tstore store3
`;

test('tape-job.cfg', (t) => {
  const document = new ConfigDocument(Buffer.from(JOB), 'tape-job.cfg', jobSectionTypes);
  const job = { id: 'job1', drive: 'hh8', pool: 'p4', schedule: 'daily', store: 'store3' };
  t.deepEqual(document.list(jobSection), [{ ...job, 'group-filter': ['type:vm', 'exclude:group:vm/100'] }]);
  t.is(document.print(), JOB);
  for (const [line, message] of [
    ['\tworker-threads 33', /tape-job\.cfg:8: property 'worker-threads' must be between 1 and 32/],
    ['\tschedule never', /schedule' .*|twice/],
    ['\tgroup-filter type:lxc', /group-filter/],
    ['\tmax-depth 8', /max-depth/],
    ['\tnotification-mode pigeon', /one of legacy-sendmail, notification-system/],
  ] as const) {
    t.throws(() => new ConfigDocument(Buffer.from(`${JOB}${line}\n`), 'tape-job.cfg', jobSectionTypes), { message });
  }
});

const TAPE = `linux: hh8
\tchanger sl3
\tpath /dev/tape/by-id/scsi-10WT065325-nst

changer: sl3
\teject-before-unload true
\texport-slots 14,15,16
\tpath /dev/tape/by-id/scsi-CJ0JBE0059
`;

test('tape.cfg of the manual', (t) => {
  const document = new ConfigDocument(Buffer.from(TAPE), 'tape.cfg', tapeSectionTypes);
  t.is(document.print(), TAPE);
  t.like(document.get(linuxDriveSection, 'hh8'), { changer: 'sl3' });
  t.like(document.get(changerSection, 'sl3'), { 'export-slots': '14,15,16', 'eject-before-unload': true });
  t.is(document.get(changerSection, 'hh8'), undefined);
  const bad = Buffer.from('changer: sl3\n\tpath /x\n\texport-slots 1,a\n');
  t.throws(() => new ConfigDocument(bad, 'tape.cfg', tapeSectionTypes), {
    message: /'1,a' is no list of slot numbers/,
  });
});
