import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makeSandbox } from './sandbox.ts';

test('create, list, config, update, remove a virtual drive (D24)', async (t) => {
  const box = await makeSandbox(t);
  const path = join(box.root, 'tapes');
  t.is(await box.ok(t, `drive create mydrive --type virtual --path ${path} --max-size 5000000`), '');
  t.true((await stat(path)).isDirectory());
  t.is(
    await readFile(box.paths.configFile('tape.cfg'), 'utf8'),
    `virtual: mydrive\n\tmax-size 5000000\n\tpath ${path}\n`,
  );
  const listed = (await box.ok(t, 'drive list')).split('\n');
  t.regex(listed[1] ?? '', /^│ name {4}│ path +│ changer │ vendor │ model │ serial │$/);
  t.true(listed[3]?.startsWith(`│ mydrive │ ${path} │         │`));
  t.deepEqual(JSON.parse(await box.ok(t, 'drive list --output-format json')), [
    { name: 'mydrive', type: 'virtual', path, 'max-size': 5000000 },
  ]);
  t.is(await box.ok(t, 'drive update mydrive --delete max-size'), '');
  t.is(
    await box.ok(t, 'drive config mydrive --output-format json'),
    `{"name":"mydrive","path":${JSON.stringify(path)},"type":"virtual"}\n`,
  );
  t.is(await box.ok(t, 'drive remove mydrive'), '');
  t.is(await box.ok(t, 'drive list'), '');
  t.is(await box.ok(t, 'drive list --output-format json'), '[]\n');
});

test('errors name the drive and what to do', async (t) => {
  const box = await makeSandbox(t);
  await box.ok(t, `drive create mydrive --type virtual --path ${box.root}/tapes`);
  t.regex(await box.fails(t, 'drive config other'), /^Error: drive 'other' does not exist \(known drives: mydrive\)$/);
  t.regex(await box.fails(t, `drive create mydrive --type virtual --path ${box.root}/b`), /'mydrive' exists already/);
  t.regex(
    await box.fails(t, `drive create second --type virtual --path ${box.root}/tapes`),
    /is already used by drive 'mydrive'/,
  );
  t.regex(await box.fails(t, 'drive update mydrive --digest 00'), /parameter 'digest' must be 64 hex digits/);
  t.regex(await box.fails(t, `drive update mydrive --max-size 1 --digest ${'0'.repeat(64)}`), /was changed meanwhile/);
  t.regex(
    await box.fails(t, 'drive update mydrive --delete path'),
    /^Error: parameter 'delete' must be one of changer/,
  );
  t.regex(
    await box.fails(t, 'drive create x --type virtual --path /x'),
    /parameter 'name' must have 3 to 32 characters/,
  );
  t.regex(await box.fails(t, 'drive create mydrive2 --path /nowhere'), /^Error: .*\/nowhere/);
});

test('what nobody understands in a config file is a warning, not an error (D29)', async (t) => {
  const box = await makeSandbox(t);
  await box.ok(t, `drive create mydrive --type virtual --path ${box.root}/tapes`);
  const file = box.paths.configFile('tape.cfg');
  const { appendFile } = await import('node:fs/promises');
  await appendFile(file, '\tcolour blue\n');
  const { code, stderr } = await box.run('drive list');
  t.is(code, 0);
  t.is(stderr, `Warning: ${file}:3: unknown property 'colour': it is left as it is\n`);
});
