import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readConfig, updateConfig } from '../../ts/config/config_file.ts';
import type { Installation } from '../../ts/config/installation.ts';
import { poolSection, poolSectionTypes } from '../../ts/config/pool_sections.ts';
import { replaceFile } from '../../ts/config/replace_file.ts';
import { temporaryInstallation } from '../temporary_installation.ts';

const FILE = 'media-pool.cfg';

function write(installation: Installation, text: string): string {
  const path = installation.paths.configFile(FILE);
  mkdirSync(installation.paths.configDir, { recursive: true });
  writeFileSync(path, text);
  return path;
}

test('a missing file is empty, a directory in its place is an error with its path', async (t) => {
  const installation = temporaryInstallation(t);
  const document = await readConfig(installation, FILE, poolSectionTypes);
  t.deepEqual(document.list(poolSection), []);
  mkdirSync(installation.paths.configFile(FILE), { recursive: true });
  await t.throwsAsync(readConfig(installation, FILE, poolSectionTypes), { message: /cannot read .*media-pool\.cfg/ });
});

test('an update writes the file of PBS, complete and with no traces', async (t) => {
  const installation = temporaryInstallation(t);
  await updateConfig(installation, FILE, poolSectionTypes, (document) => {
    document.add(poolSection, {
      name: 'daily',
      template: 'set-%F',
      retention: '4 weeks',
      allocation: 'mon..fri 18:00',
    });
  });
  const path = installation.paths.configFile(FILE);
  const expected = 'pool: daily\n\tallocation mon..fri 18:00\n\tretention 4 weeks\n\ttemplate set-%F\n';
  t.is(readFileSync(path, 'utf8'), expected);
  t.is(statSync(path).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(installation.paths.configDir), [FILE]);
});

test('a file that does not change is not written', async (t) => {
  const installation = temporaryInstallation(t);
  const handWritten = 'pool:daily\n  template  %F\n  allocation continue\n\n\n';
  const path = write(installation, handWritten);
  const before = statSync(path, { bigint: true });
  await updateConfig(installation, FILE, poolSectionTypes, (document) => {
    document.replace(poolSection, { name: 'daily', allocation: 'continue', template: '%F' });
  });
  t.is(readFileSync(path, 'utf8'), handWritten);
  t.is(statSync(path, { bigint: true }).ino, before.ino);
});

test('a digest other than that of the file stops the update', async (t) => {
  const installation = temporaryInstallation(t);
  const { digest } = await readConfig(installation, FILE, poolSectionTypes);
  const add = (name: string) =>
    updateConfig(installation, FILE, poolSectionTypes, (document) => document.add(poolSection, { name }), digest);
  await add('p1');
  await t.throwsAsync(add('p2'), { code: 'digest-mismatch' });
  t.is(readFileSync(installation.paths.configFile(FILE), 'utf8'), 'pool: p1\n');
});

test('a file with mistakes is never overwritten', async (t) => {
  const installation = temporaryInstallation(t);
  for (const text of ['pool: p1\n\tretention soon\n', 'pool: p1\n\npool: p1\n', '# mine\n']) {
    const path = write(installation, text);
    const add = updateConfig(installation, FILE, poolSectionTypes, (document) =>
      document.add(poolSection, { name: 'p2' }),
    );
    await t.throwsAsync(add, { code: 'bad-config', message: /media-pool\.cfg:\d+: / });
    t.is(readFileSync(path, 'utf8'), text);
  }
});

test('when the change throws, nothing is written and the lock is free', async (t) => {
  const installation = temporaryInstallation(t);
  const failing = updateConfig(installation, FILE, poolSectionTypes, (document) => {
    document.add(poolSection, { name: 'p1' });
    throw new Error('no');
  });
  await t.throwsAsync(failing, { message: 'no' });
  t.deepEqual((await readConfig(installation, FILE, poolSectionTypes)).list(poolSection), []);
  await updateConfig(installation, FILE, poolSectionTypes, (document) => document.add(poolSection, { name: 'p2' }));
  t.pass();
});

test('updates at the same time all arrive', async (t) => {
  const installation = temporaryInstallation(t);
  const names = Array.from({ length: 20 }, (_, index) => `pool${index}`);
  await Promise.all(
    names.map((name) =>
      updateConfig(installation, FILE, poolSectionTypes, (document) => document.add(poolSection, { name })),
    ),
  );
  const document = await readConfig(installation, FILE, poolSectionTypes);
  const found = document.list(poolSection).map(({ name }) => name);
  t.deepEqual(found.sort(), names.sort());
});

test('what is not understood is told with file and line, and survives', async (t) => {
  const notices: string[] = [];
  const installation = temporaryInstallation(t, { onNotice: (message) => notices.push(message) });
  const path = write(installation, 'pool: p1\n\tcolour red\n\nshelf: s1\n\tboards 3\n');
  await updateConfig(installation, FILE, poolSectionTypes, (document) => document.add(poolSection, { name: 'p2' }));
  t.is(readFileSync(path, 'utf8'), 'pool: p1\n\tcolour red\n\nshelf: s1\n\tboards 3\n\npool: p2\n');
  t.deepEqual(notices, [
    `${path}:2: unknown property 'colour': it is left as it is`,
    `${path}:4: unknown section type 'shelf' is left as it is`,
  ]);
});

const asRoot = process.geteuid?.() === 0 ? test : test.skip;

asRoot('config files belong to root and are readable by the group of the service user', async (t) => {
  const installation = temporaryInstallation(t, { isSuperUser: true, serviceUser: { uid: 34, gid: 34 } });
  await updateConfig(installation, FILE, poolSectionTypes, (document) => document.add(poolSection, { name: 'p1' }));
  const { mode, uid, gid } = statSync(installation.paths.configFile(FILE));
  t.deepEqual([mode & 0o777, uid, gid], [0o640, 0, 34]);
});

test('a file that cannot be replaced stays, and leaves no temporary file', async (t) => {
  const installation = temporaryInstallation(t);
  const target = join(installation.root, 'dir', 'file.cfg');
  mkdirSync(join(target, 'content'), { recursive: true }); // a directory that rename(2) cannot replace
  const options = { mode: 0o640, owner: undefined };
  await t.throwsAsync(replaceFile(installation, target, 'x', options), { message: /cannot write .*file\.cfg/ });
  t.deepEqual(readdirSync(join(installation.root, 'dir')), ['file.cfg']);
});

test('the mode does not depend on the umask', async (t) => {
  const installation = temporaryInstallation(t);
  const path = join(installation.root, 'file.json');
  writeFileSync(path, 'old');
  chmodSync(path, 0o644);
  await replaceFile(installation, path, Buffer.from('new'), { mode: 0o640, owner: undefined });
  t.is(readFileSync(path, 'utf8'), 'new');
  t.is(statSync(path).mode & 0o777, 0o600);
});
