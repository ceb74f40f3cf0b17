import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type Installed, install } from '../run.ts';

interface Listed {
  path: string;
  files: string[];
  size: number;
}

/** One datastore for all tests: making one means making 65536 directories. */
let box: Installed;
let source: string;
let snapshot: string;

test.before(async () => {
  box = await install();
  source = join(box.root, 'source');
  await mkdir(join(source, 'tree', 'below'), { recursive: true });
  await writeFile(join(source, 'tree', 'below', 'file.txt'), 'some text\n');
  await writeFile(join(source, 'tree', 'left-out.tmp'), 'not this');
  await writeFile(join(source, 'image'), Buffer.alloc(5_000_000, 7));
  await box.ok('datastore', 'create', 'store1', join(box.root, 'store1'));
  const archives = [`root.pxar:${source}/tree`, `disk.img:${source}/image`, `host.conf:${source}/tree/below/file.txt`];
  const words = ['snapshot', 'import', 'store1', 'host/server1', ...archives, '--exclude', '*.tmp'];
  snapshot = (await box.json<{ snapshot: string }>(...words, '--backup-time', '1717580000')).snapshot;
});

test.after.always(() => box.remove());

test.serial('import, list, verify, extract', async (t) => {
  t.is(snapshot, 'host/server1/2024-06-05T09:33:20Z');
  const [listed] = await box.json<Listed[]>('snapshot', 'list', 'store1');
  t.is(listed?.path, snapshot);
  t.true(listed?.files.includes('disk.img.fidx') && listed.files.includes('host.conf.blob'));
  t.regex(
    await box.ok('snapshot', 'list', 'store1'),
    /│ host\/server1\/2024-06-05T09:33:20Z │ +4\.\d\d MiB │ root@pam │/,
  );

  const verified = await box.json<{ snapshots: number; errors: unknown[] }>('snapshot', 'verify', 'store1');
  t.is(verified.snapshots, 1);
  t.deepEqual(verified.errors, []);

  const target = join(box.root, 'out');
  await box.ok('snapshot', 'extract', 'store1', snapshot, 'root.pxar', target);
  t.deepEqual((await readdir(target, { recursive: true })).sort(), ['below', 'below/file.txt']);
  await box.ok('snapshot', 'extract', 'store1', snapshot, 'disk.img', join(box.root, 'image'));
  t.deepEqual(await readFile(join(box.root, 'image')), await readFile(join(source, 'image')));
});

test.serial('wrong requests', async (t) => {
  const first = async (...words: string[]) => {
    const { code, stderr } = await box.run(...words);
    t.is(code, 255);
    return stderr.split('\n')[0];
  };
  t.regex((await first('snapshot', 'list', 'other')) ?? '', /datastore 'other' does not exist/);
  t.regex(
    (await first('snapshot', 'import', 'store1', 'lxc/1', 'root.pxar:/etc')) ?? '',
    /must be <vm\|ct\|host>\/<id>/,
  );
  t.regex(
    (await first('snapshot', 'import', 'store1', 'host/a', 'root.tar:/etc')) ?? '',
    /'root.tar:\/etc' names no archive/,
  );
  t.regex((await first('snapshot', 'import', 'store1', 'host/a', 'root.pxar:/nowhere')) ?? '', /\/nowhere/);
  t.regex((await first('snapshot', 'extract', 'store1', snapshot, 'swap.img', '/tmp/x')) ?? '', /swap\.img/);
});

test.serial('damage is named, and fails the command', async (t) => {
  const chunks = join(box.root, 'store1', '.chunks');
  const files = await readdir(chunks, { recursive: true, withFileTypes: true });
  const chunk = files.find((entry) => entry.isFile());
  if (!chunk) throw new Error('no chunk');
  await writeFile(join(chunk.parentPath, chunk.name), 'damaged');
  const { code, stdout, stderr } = await box.run('snapshot', 'verify', 'store1', snapshot, '--output-format', 'json');
  t.is(code, 255);
  t.true((JSON.parse(stdout) as { errors: unknown[] }).errors.length > 0);
  t.regex(stderr, /^Error: /m);
  t.true(stderr.includes(chunk.name), stderr);
});
