import { mkdirSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { makeSandbox } from './sandbox.ts';

test('ten times of a calendar event', async (t) => {
  const box = await makeSandbox(t);
  const rows = JSON.parse(await box.ok(t, 'schedule show daily --output-format json'));
  t.is(rows.length, 10);
  t.true(rows.every((row: { 'next-run': number }) => row['next-run'] % 86_400 === 0));
  t.is((await box.ok(t, 'schedule show hourly --count 2')).split('\n').length, 8, 'frame, header, two rows');
  t.regex(await box.fails(t, 'schedule show sometimes'), /'sometimes'/);
  const past = await box.run('schedule show 2020-1-1');
  t.deepEqual(past, { code: 0, stdout: '', stderr: "'2020-1-1' does not come again\n" });
});

test('the next run of each job', async (t) => {
  const box = await makeSandbox(t);
  t.is(await box.ok(t, 'schedule show --output-format json'), '[]\n');
  mkdirSync(box.paths.configDir, { recursive: true });
  const job = 'backup: job1\n\tdrive drive1\n\tpool p1\n\tschedule daily\n\tstore store1\n';
  writeFileSync(box.paths.configFile('tape-job.cfg'), job);
  const [row, ...more] = JSON.parse(await box.ok(t, 'schedule show --output-format json'));
  t.deepEqual(more, []);
  t.like(row, { id: 'job1', schedule: 'daily' });
  t.is(row['next-run'] % 86_400, 0);
  t.regex(await box.ok(t, 'schedule show'), /job1 │ daily/);
});
