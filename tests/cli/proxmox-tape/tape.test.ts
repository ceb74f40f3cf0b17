/** The main job by hand, as in the manual: every command as a process of its own, on small virtual tapes. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type Installed, install } from '../run.ts';

interface MediaRow {
  'label-text': string;
  'media-set-uuid'?: string;
  'seq-nr'?: number;
  status: string;
}

const LABELS = ['TAPE01', 'TAPE02', 'TAPE03'];
let box: Installed;

test.before(async () => {
  box = await install();
  await writeFile(join(box.root, 'image'), randomBytes(32_000_000));
  await box.ok('datastore', 'create', 'store1', join(box.root, 'store1'));
  await box.ok('snapshot', 'import', 'store1', 'vm/100', `disk.img:${box.root}/image`, '--backup-time', '1717580000');
  await box.ok(
    'drive',
    'create',
    'tape0',
    '--type',
    'virtual',
    '--path',
    join(box.root, 'tapes'),
    '--max-size',
    '14000000',
  );
  await box.ok('pool', 'create', 'weekly', '--drive', 'tape0');
});
test.after.always(() => box.remove());

test.serial('an empty drive: status works, tape commands say what to do', async (t) => {
  t.regex(await box.ok('status'), /^│ blocksize +│ 0 +│$/m);
  const { code, stdout, stderr } = await box.run('rewind');
  t.is(code, 255);
  t.regex(stdout, /^TASK ERROR: /m);
  t.regex(stderr, /^Error: .*no tape in the drive/);
});

test.serial('load and label; labels are read back', async (t) => {
  for (const label of LABELS) {
    t.regex(await box.ok('load-media', label), /^loading tape 'TAPE0\d' into drive 'tape0'\nTASK OK\n$/);
    t.regex(await box.ok('label', '--changer-id', label, '--pool', 'weekly'), /TASK OK\n$/);
  }
  const text = await box.ok('read-label');
  t.regex(text, /^│ changer-id +│ TAPE03 +│$/m);
  t.regex(text, /^│ media-set-uuid +│ 00000000-0000-0000-0000-000000000000 │$/m);
  t.regex(text, /^│ ctime +│ [A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} +│$/m);
  const facts = await box.json<Record<string, unknown>>('read-label');
  t.deepEqual(Object.keys(facts), [
    'ctime',
    'label-text',
    'media-set-ctime',
    'media-set-uuid',
    'pool',
    'seq-nr',
    'uuid',
  ]);
  const again = await box.run('label', '--label-text', 'TAPE09');
  t.is(again.code, 255);
  t.regex(again.stderr, /erase/);
});

test.serial('inventory lists what is in the library', async (t) => {
  const tapes = await box.json<{ 'label-text': string; uuid: string | null }[]>('inventory');
  t.deepEqual(
    tapes.map((tape) => tape['label-text']),
    LABELS,
  );
  t.true(tapes.every(({ uuid }) => typeof uuid === 'string'));
});

test.serial('backup over several tapes, as JSON with progress for programs', async (t) => {
  const { code, stdout, stderr } = await box.run(
    'backup',
    'store1',
    'weekly',
    '--output-format',
    'json',
    '--progress',
    'json',
  );
  t.is(code, 0, stderr);
  t.is(stdout.split('\n').length, 2);
  const { upid, status } = JSON.parse(stdout) as { upid: string; status: string };
  t.regex(
    upid,
    /^UPID:[^:]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:[0-9A-F]{8}:tape-backup:store1\\x3aweekly\\x3atape0:root@pam:$/,
  );
  t.is(status, 'OK');
  const events = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string });
  t.is(events[0]?.kind, 'started');
  t.is(events.at(-1)?.kind, 'ended');
});

test.serial('media list and media content', async (t) => {
  const media = await box.json<MediaRow[]>('media', 'list', '--pool', 'weekly');
  t.deepEqual(
    media.map((row) => `${row['label-text']} ${row['seq-nr']} ${row.status}`),
    ['TAPE01 0 full', 'TAPE02 1 full', 'TAPE03 2 writable'],
  );
  const content = await box.ok('media', 'content');
  t.regex(content, /^│ label-text │ pool +│ media-set-name +│ seq-nr │ store +│ snapshot +│ media-set-uuid +│$/m);
  t.regex(content, /│ +2 │ store1 │ vm\/100\/2024-06-05T09:33:20Z │/);
  t.deepEqual(await box.json('media', 'content', '--backup-type', 'host'), []);
  t.is(await box.ok('media', 'content', '--backup-id', '999'), '');
});

test.serial('running the job again writes nothing', async (t) => {
  const text = await box.ok('backup', 'store1', 'weekly');
  t.notRegex(text, /wrote \d+ chunks/);
  t.regex(text, /TASK OK\n$/);
});

test.serial('restore to a new datastore, verified', async (t) => {
  const [first] = await box.json<MediaRow[]>('media', 'list');
  const set = first?.['media-set-uuid'] ?? '';
  await box.ok('datastore', 'create', 'store2', join(box.root, 'store2'));
  t.regex(await box.ok('restore', set, 'store1=store2', '--owner', 'admin@pbs'), /TASK OK\n$/);
  const verified = await box.json<{ snapshots: number; errors: unknown[] }>('snapshot', 'verify', 'store2');
  t.is(verified.snapshots, 1);
  t.deepEqual(verified.errors, []);
  const [listed] = await box.json<{ owner: string }[]>('snapshot', 'list', 'store2');
  t.is(listed?.owner, 'admin@pbs');
  const unknown = await box.run('restore', set, 'store9');
  t.is(unknown.code, 255);
  t.is(unknown.stdout, '');
  t.regex(unknown.stderr, /^Error: datastore 'store9' does not exist/);
});

test.serial('scan, eod and rewind', async (t) => {
  await box.ok('load-media', 'TAPE02');
  const text = await box.ok('scan');
  t.regex(text, /^rewinding tape\nfile number: 0\n/);
  t.regex(text, /^ {2}uuid: [0-9a-f-]{36}$/m);
  t.is(await box.ok('eod'), '');
  t.is(await box.ok('rewind'), 'TASK OK\n');
});

test.serial('catalog from the tape: refused over an existing one, else restored', async (t) => {
  const { code, stdout, stderr } = await box.run('catalog');
  t.is(code, 255);
  t.regex(stdout, /TASK ERROR: /);
  t.regex(stderr, /--force/);
  t.regex(await box.ok('catalog', '--force', '--scan'), /TASK OK\n$/);
});

test.serial('erase, also as format, forgets the tape', async (t) => {
  const bare = await box.run('erase', '--fast');
  t.is(bare.code, 255);
  t.regex(bare.stderr, /^Error: parameter 'fast' needs yes or no/);
  t.regex(await box.ok('erase', '--fast', 'yes'), /TASK OK\n$/);
  t.regex(await box.ok('format'), /TASK OK\n$/);
  t.regex((await box.run('read-label')).stderr, /^Error: .*blank/);
  const tapes = await box.json<{ 'label-text': string; uuid: string | null }[]>('inventory');
  t.is(tapes.find((tape) => tape['label-text'] === 'TAPE02')?.uuid, null);
  t.is(await box.ok('unload', '--target-slot', '2'), 'TASK OK\n');
});

test.serial('Ctrl-C aborts a backup with exit code 130; the next one completes it', async (t) => {
  await writeFile(join(box.root, 'large'), randomBytes(64_000_000));
  await box.ok('snapshot', 'import', 'store1', 'vm/101', `disk.img:${box.root}/large`);
  await box.ok(
    'drive',
    'create',
    'tape1',
    '--type',
    'virtual',
    '--path',
    join(box.root, 'large-tapes'),
    '--max-size',
    '1000000000',
  );
  await box.ok('pool', 'create', 'large', '--drive', 'tape1');
  await box.ok('load-media', 'LARGE1', '--drive', 'tape1');
  await box.ok('label', '--label-text', 'LARGE1', '--pool', 'large', '--drive', 'tape1');
  const main = join(import.meta.dirname, '../../../ts/cli/proxmox-tape/main.js');
  const env = { ...process.env, PROXMOX_TAPE_ROOT: box.root };
  const child = spawn(process.execPath, [main, 'backup', 'store1', 'large', '--drive', 'tape1'], { env });
  let stdout = '';
  let stderr = '';
  let signalled = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (signalled || !stdout.includes('backup snapshot store1:vm/101')) return;
    signalled = true;
    child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  t.is(code, 130, stdout + stderr);
  t.regex(stderr, /^abort requested/m);
  t.regex(stdout, /^TASK ERROR: stopped on request/m);
  t.regex(await box.ok('backup', 'store1', 'large', '--drive', 'tape1'), /TASK OK\n$/);
  const content = await box.json<{ snapshot: string }[]>('media', 'content', '--pool', 'large');
  t.is(content.length, 2);
});

test.serial('completion knows tapes and media sets', async (t) => {
  const complete = async (line: string) => {
    const { runTool } = await import('../run.ts');
    const env = { PROXMOX_TAPE_ROOT: box.root, COMP_LINE: line, COMP_POINT: String(line.length) };
    return (await runTool('proxmox-tape', ['bashcomplete'], { env })).stdout.trimEnd().split('\n');
  };
  t.deepEqual(await complete('proxmox-tape load-media T'), ['TAPE01', 'TAPE03']);
  t.regex((await complete('proxmox-tape restore ')).join(), /^[0-9a-f-]{36}/);
  t.deepEqual(await complete('proxmox-tape backup store1 '), ['large', 'weekly']);
  t.deepEqual(await complete('proxmox-tape status --drive tape'), ['tape0', 'tape1']);
});
