import { readFile } from 'node:fs/promises';
import test from 'ava';
import { makeSandbox } from './sandbox.ts';

test("the manual's example: create, update, list", async (t) => {
  const box = await makeSandbox(t);
  await box.ok(t, `drive create mydrive --type virtual --path ${box.root}/tapes`);
  t.is(await box.ok(t, 'pool create daily --drive mydrive'), '');
  const { code, stdout, stderr } = await box.run('pool update daily --allocation daily --retention 7days');
  t.is(code, 0);
  t.is(stdout, '');
  t.regex(stderr, /8 sets, not 7, are in use/); // D2
  t.is(
    await box.ok(t, 'pool list'),
    `┌───────┬─────────┬────────────┬───────────┬──────────┬─────────┐
│ name  │ drive   │ allocation │ retention │ template │ encrypt │
╞═══════╪═════════╪════════════╪═══════════╪══════════╪═════════╡
│ daily │ mydrive │ daily      │ 7days     │          │ no      │
└───────┴─────────┴────────────┴───────────┴──────────┴─────────┘
`,
  );
  const file = await readFile(box.paths.configFile('media-pool.cfg'), 'utf8');
  t.is(file, 'pool: daily\n\tallocation daily\n\tretention 7days\n', 'the drive is not in the file PBS reads (D3)');
});

test('config and remove', async (t) => {
  const box = await makeSandbox(t);
  await box.run('pool create daily --comment=office --template %F');
  t.is(
    await box.ok(t, 'pool config daily'),
    `┌──────────┬────────┐
│ Name     │ Value  │
╞══════════╪════════╡
│ name     │ daily  │
├──────────┼────────┤
│ template │ %F     │
├──────────┼────────┤
│ comment  │ office │
└──────────┴────────┘
`,
  );
  await box.ok(t, 'pool update daily --delete template --delete comment');
  t.is(await box.ok(t, 'pool config daily --output-format json'), '{"name":"daily"}\n');
  await box.ok(t, 'pool remove daily');
  t.is(await box.ok(t, 'pool list --output-format json'), '[]\n');
});

test('errors', async (t) => {
  const box = await makeSandbox(t);
  await box.ok(t, 'pool create daily');
  t.regex(await box.fails(t, 'pool create daily'), /'daily' exists already/);
  t.regex(await box.fails(t, 'pool config weekly'), /media pool 'weekly' does not exist/);
  t.regex(await box.fails(t, 'pool create weekly --retention often'), /parameter 'retention' .*'often' is neither/);
  t.regex(await box.fails(t, 'pool create weekly --drive nodrive'), /drive 'nodrive' does not exist/);
  t.regex(await box.fails(t, 'pool create weekly --encrypt 12:34'), /parameter 'encrypt' must be 32 pairs/);
});
