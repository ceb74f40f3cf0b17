import { mkdir, writeFile } from 'node:fs/promises';
import test from 'ava';
import { makeSandbox } from './sandbox.ts';

test('list, config and remove', async (t) => {
  const box = await makeSandbox(t);
  t.is(await box.ok(t, 'datastore list'), '');
  await mkdir(box.paths.configDir, { recursive: true });
  await writeFile(
    box.paths.configFile('datastore.cfg'),
    'datastore: tank\n\tcomment main one\n\tkeep-last 3\n\tpath /tank\n',
  );
  t.is(
    await box.ok(t, 'datastore list'),
    `┌──────┬───────┬──────────┐
│ name │ path  │ comment  │
╞══════╪═══════╪══════════╡
│ tank │ /tank │ main one │
└──────┴───────┴──────────┘
`,
  );
  t.deepEqual(JSON.parse(await box.ok(t, 'datastore config tank --output-format json')), {
    name: 'tank',
    path: '/tank',
    comment: 'main one',
    'keep-last': 3,
  });
  t.regex(await box.fails(t, 'datastore config other'), /datastore 'other' does not exist/);
  await box.ok(t, 'datastore remove tank');
  t.is(await box.ok(t, 'datastore list --output-format json'), '[]\n');
});
