import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeSandbox, type Sandbox } from './sandbox.ts';

/** With drive `yourdrive`, pool `yourpool` and datastore `vmstore1`. */
async function makeSite(t: ExecutionContext): Promise<Sandbox> {
  const box = await makeSandbox(t);
  await box.ok(t, `drive create yourdrive --type virtual --path ${box.root}/tapes`);
  await box.ok(t, 'pool create yourpool');
  await writeFile(box.paths.configFile('datastore.cfg'), `datastore: vmstore1\n\tpath ${box.root}/store\n`);
  return box;
}

const CREATE = 'backup-job create job2 --store vmstore1 --pool yourpool --drive yourdrive';
const file = (box: Sandbox) => readFile(box.paths.configFile('tape-job.cfg'), 'utf8');

test("the manual's example: create, update, show, list, remove", async (t) => {
  const box = await makeSite(t);
  t.is(await box.ok(t, `${CREATE} --schedule daily`), '');
  await box.ok(t, 'backup-job update job2 --latest-only');
  await box.ok(t, 'backup-job update job2 --notify-user root@pam');
  await box.ok(t, 'backup-job update job2 --eject-media');
  await box.ok(t, 'backup-job update job2 --export-media');
  t.is(
    await file(box),
    `backup: job2
	drive yourdrive
	eject-media true
	export-media-set true
	latest-only true
	notification-mode legacy-sendmail
	notify-user root@pam
	pool yourpool
	schedule daily
	store vmstore1
`,
  );
  t.deepEqual(JSON.parse(await box.ok(t, 'backup-job show job2 --output-format json')), {
    drive: 'yourdrive',
    'eject-media': true,
    'export-media-set': true,
    id: 'job2',
    'latest-only': true,
    'notification-mode': 'legacy-sendmail',
    'notify-user': 'root@pam',
    pool: 'yourpool',
    schedule: 'daily',
    store: 'vmstore1',
  });
  const [listed] = JSON.parse(await box.ok(t, 'backup-job list --output-format json'));
  t.is(listed.id, 'job2');
  t.is(listed['next-run'] % 86_400, 0, 'the next midnight');
  await box.ok(t, 'backup-job remove job2');
  t.is(await file(box), '');
});

test('D5: the three names of the export option are one', async (t) => {
  const box = await makeSite(t);
  await box.ok(t, CREATE);
  for (const name of ['export-media-set', 'export-media', 'export']) {
    await box.ok(t, `backup-job update job2 --${name} --delete export-media-set`);
    t.regex(await file(box), /\n\texport-media-set true\n/, name);
    await box.ok(t, 'backup-job update job2 --delete export-media-set');
    t.notRegex(await file(box), /export/);
  }
});

test('newer properties: namespaces, group filters, threads, notification mode', async (t) => {
  const box = await makeSite(t);
  await box.runWords([
    ...CREATE.split(' '),
    ...['--ns', 'a/b', '--max-depth', '0', '--worker-threads', '4', '--notification-mode', 'notification-system'],
    ...['--group-filter', 'include:type:vm', '--groups', 'exclude:regex:^vm/1\\d$', '--comment', ' once  '],
  ]);
  t.is(
    await file(box),
    `backup: job2
	comment once
	drive yourdrive
	group-filter type:vm
	group-filter exclude:regex:^vm/1\\d$
	max-depth 0
	notification-mode notification-system
	ns a/b
	pool yourpool
	store vmstore1
	worker-threads 4
`,
  );
  await box.ok(
    t,
    'backup-job update job2 --delete worker-threads --delete ns --delete max-depth --delete group-filter',
  );
  await box.ok(t, 'backup-job update job2 --delete notification-mode');
  t.regex(await file(box), /notification-mode legacy-sendmail/, 'its absence would mean one thing or the other');
  t.is(
    await box
      .fails(t, `${CREATE.replace('job2', 'job3')} --group-filter regex:a(b`)
      .then((line) => /regular expression 'a\(b'/.test(line)),
    true,
  );
  t.notRegex(await file(box), /job3/);
});

test('a job that PBS wrote without a notification mode is left as it is', async (t) => {
  const box = await makeSite(t);
  const written = 'backup: job2\n\tdrive yourdrive\n\tpool yourpool\n\tstore vmstore1\n';
  await writeFile(box.paths.configFile('tape-job.cfg'), written);
  await box.ok(t, 'backup-job update job2 --latest-only true');
  t.is(await file(box), written.replace('\tpool', '\tlatest-only true\n\tpool'));
});

test('errors', async (t) => {
  const box = await makeSite(t);
  await box.ok(t, CREATE);
  t.regex(await box.fails(t, CREATE), /'job2' exists already/);
  t.regex(
    await box.fails(t, CREATE.replace('job2', 'job3').replace('vmstore1', 'nostore')),
    /datastore 'nostore' does not exist/,
  );
  t.regex(
    await box.fails(t, CREATE.replace('job2', 'job3').replace('yourpool', 'nopool')),
    /media pool 'nopool' does not exist/,
  );
  t.regex(
    await box.fails(t, CREATE.replace('job2', 'job3').replace('yourdrive', 'nodrive')),
    /drive 'nodrive' does not exist/,
  );
  t.regex(
    await box.fails(t, 'backup-job update job2 --schedule sometimes'),
    /parameter 'schedule' cannot be used: invalid calendar event/,
  );
  t.regex(await box.fails(t, 'backup-job update job9 --latest-only'), /backup job 'job9' does not exist/);
  t.regex(await box.fails(t, 'backup-job remove job9'), /backup job 'job9' does not exist/);
  t.regex(await box.fails(t, 'backup-job show job9'), /backup job 'job9' does not exist/);
  t.regex(await box.fails(t, 'backup-job run job9'), /backup job 'job9' does not exist/);
  t.regex(await box.fails(t, 'backup-job update job2 --group-filter type:pet'), /parameter 'group-filter' must be/);
  t.false(existsSync(join(box.paths.jobStateDir, 'tape-backup-job-job3.json')));
});

test('a job whose pool is gone can still be listed and changed', async (t) => {
  const box = await makeSite(t);
  await box.ok(t, CREATE);
  await box.ok(t, 'pool remove yourpool');
  const { code, stdout, stderr } = await box.run('backup-job list --output-format json');
  t.is(code, 0);
  t.is(JSON.parse(stdout).length, 1);
  t.regex(stderr, /job 'job2': media pool 'yourpool' does not exist/);
  await box.ok(t, 'backup-job update job2 --comment old');
});
