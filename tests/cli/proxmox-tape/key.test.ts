/** The life of a key by hand, as in the manual: every command a process of its own, passwords on standard input. */
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fixturePath, fixtureTest, readFixture } from '../../fixtures.ts';
import { memoryDirectory } from '../../temporary_installation.ts';
import { Installed } from '../run.ts';

const FINGERPRINT = /^"([0-9a-f]{2}(?::[0-9a-f]{2}){31})"\n$/;
const CONFIGS = 'etc/proxmox-backup/tape-encryption-key-config.json';
const KEYS = 'etc/proxmox-backup/tape-encryption-keys.json';

interface StoredKey {
  kdf: Record<string, unknown>;
  created: string;
  modified: string;
  data: string;
  fingerprint: string;
  hint: string;
}

class KeyBox extends Installed {
  read = (path: string): string => readFileSync(join(this.root, path), 'utf8');

  stored(): StoredKey[] {
    return JSON.parse(this.read(CONFIGS)) as StoredKey[];
  }

  async create(password: string, hint: string, ...words: string[]): Promise<string> {
    const { stdout, stderr } = await this.type(`${password}\n`, 'key', 'create', '--hint', hint, ...words);
    const [, fingerprint] = FINGERPRINT.exec(stdout) ?? [];
    if (!fingerprint) throw new Error(stderr);
    return fingerprint;
  }

  /** Runs a command that has to fail without output; resolves with what it said. */
  async fails(t: ExecutionContext, input: string, ...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.type(input, ...words);
    t.is(code, 255, stdout);
    t.is(stdout, '');
    return stderr;
  }

  state = () => [KEYS, CONFIGS].map((path) => this.read(path));
}

const box = (t: ExecutionContext) => new KeyBox(memoryDirectory(t));

test('create, list, show: as the manual shows it', async (t) => {
  const site = box(t);
  const fingerprint = await site.create('correct horse', 'tape pw 2020');
  const list = await site.ok('key', 'list');
  t.regex(list, /^│ fingerprint +│ hint +│$/m);
  t.true(list.includes(`│ ${fingerprint} │ tape pw 2020 │`), list);
  const shown = await site.ok('key', 'show', fingerprint);
  for (const row of ['kdf +│ scrypt', 'created +│ \\w+ \\w+ +\\d+ [\\d:]+ \\d+', `fingerprint │ ${fingerprint}`]) {
    t.regex(shown, new RegExp(`│ ${row} +│`));
  }
  const [json] = await site.json<Record<string, unknown>[]>('key', 'list');
  t.deepEqual(Object.keys(json ?? {}), ['created', 'fingerprint', 'hint', 'kdf', 'modified']);
  t.deepEqual(await site.json('key', 'show', fingerprint.toUpperCase()), json);
  const unknown = await site.run('key', 'show', fingerprint.replace(/^../, fingerprint.startsWith('00') ? '11' : '00'));
  t.is(unknown.code, 255);
  t.regex(unknown.stderr, /^Error: no key .*key import/);
});

test('files have the form, order and modes of PBS', async (t) => {
  const site = box(t);
  await site.create('correct horse', 'one');
  await site.create('battery staple', 'two', '--kdf', 'pbkdf2');
  const stored = site.stored();
  t.is(site.read(CONFIGS), JSON.stringify(stored, null, 2));
  t.deepEqual(stored.map(Object.keys), Array(2).fill(['kdf', 'created', 'modified', 'data', 'fingerprint', 'hint']));
  t.like(stored[0]?.kdf, { Scrypt: { n: 65_536, r: 8, p: 1 } });
  t.like(stored[1]?.kdf, { PBKDF2: { iter: 65_535 } });
  t.regex(stored[0]?.created ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
  const plain = JSON.parse(site.read(KEYS)) as { fingerprint: string; key: string }[];
  t.is(site.read(KEYS), JSON.stringify(plain, null, 2));
  t.deepEqual(
    plain.map(({ fingerprint }) => fingerprint),
    stored.map(({ fingerprint }) => fingerprint),
  );
  const mode = (path: string) => statSync(join(site.root, path)).mode & 0o777;
  t.is(mode(KEYS), 0o600);
  t.is(mode(CONFIGS) & 0o007, 0);
});

test('passwords that are none are refused, and nothing is written', async (t) => {
  const site = box(t);
  const create = (input: string, ...words: string[]) => site.fails(t, input, 'key', 'create', '--hint', 'x', ...words);
  t.regex(await create('1234\n'), /^Error: the password has fewer than 5 bytes\n$/);
  t.regex(await create(''), /no password: standard input is no terminal/);
  t.regex(await create('\nsecond line\n'), /fewer than 5 bytes/);
  t.regex(await create('caf\xe9 au lait\n', '--kdf', 'none'), /kdf 'none' is refused/);
  t.regex(await create(`${'x'.repeat(70_000)}\n`), /longer than 65536 bytes/);
  const latin = await site.type(Buffer.from('caf\xe9 au lait\n', 'latin1'), 'key', 'create', '--hint', 'x');
  t.regex(latin.stderr, /not UTF-8 text/);
  // What an editor put before or into a line, and nobody could type later.
  t.regex(await create('\u{feff}correct horse\n'), /byte order mark before it.*could never be typed/);
  t.regex(await create('correct\thorse\n'), /control characters/);
  t.throws(() => site.stored(), { code: 'ENOENT' });
  t.regex((await site.run('key', 'create')).stderr, /hint/);
  t.regex(await create('correct horse\n', '--hint', 'x'.repeat(33)), /hint/);
});

test('the line end of a password file is no part of the password', async (t) => {
  const site = box(t);
  const fingerprint = await site.create('correct horse', 'x', '--kdf', 'pbkdf2');
  for (const input of ['correct horse', 'correct horse\n', 'correct horse\r\n', 'correct horse\nother words\n']) {
    t.is((await site.type(input, 'key', 'check', fingerprint)).code, 0, JSON.stringify(input));
  }
  t.is((await site.type('correct horse \n', 'key', 'check', fingerprint)).code, 255);
});

test('change-passphrase: current and new password are two lines', async (t) => {
  const site = box(t);
  const fingerprint = await site.create('correct horse', 'equine', '--kdf', 'pbkdf2');
  const [before] = site.stored();
  const change = ['key', 'change-passphrase', fingerprint, '--kdf', 'pbkdf2'];
  const state = site.state();
  t.regex(await site.fails(t, 'wrong horse\nbattery staple\n', ...change), /wrong password .*\(hint: "equine"\)/);
  t.regex(await site.fails(t, 'correct horse\nshrt\n', ...change), /fewer than 5 bytes/);
  t.regex(await site.fails(t, 'correct horse\n', ...change), /no \(further\) line/);
  t.regex(await site.fails(t, '', 'key', 'change-passphrase', fingerprint, '--kdf', 'none'), /kdf 'none' is refused/);
  t.deepEqual(site.state(), state);

  const changed = await site.type('correct horse\nbattery staple\n', ...change);
  t.deepEqual([changed.code, changed.stdout], [0, '']);
  const [after] = site.stored();
  t.like(after, { created: before?.created, fingerprint, hint: 'equine' });
  t.not(after?.data, before?.data);
  t.is((await site.type('battery staple\n', 'key', 'check', fingerprint)).code, 0);
  t.is((await site.type('correct horse\n', 'key', 'check', fingerprint)).code, 255);

  // Who may read the plain keys needs no password.
  const forced = await site.type('third time\n', ...change, '--force', '--hint', 'lucky');
  t.is(forced.code, 0, forced.stderr);
  t.like(site.stored()[0], { hint: 'lucky' });
  t.is((await site.type('third time\n', 'key', 'check', fingerprint)).code, 0);
});

test('remove: with a digest only what was seen, and --force where a pool needs the key (D28)', async (t) => {
  const site = box(t);
  const fingerprint = await site.create('correct horse', 'x', '--kdf', 'pbkdf2');
  await site.ok('pool', 'create', 'daily', '--encrypt', fingerprint);
  const state = site.state();
  const other = await site.fails(t, '', 'key', 'remove', fingerprint, '--force', '--digest', '0'.repeat(64));
  t.regex(other, /was changed meanwhile \(its digest is [0-9a-f]{64}\)/);
  t.regex(await site.fails(t, '', 'key', 'remove', fingerprint), /is needed by pool 'daily': .*--force/);
  t.deepEqual(site.state(), state);
  t.regex(await site.ok('key', 'status'), /encrypts pool daily/);
  t.is(await site.ok('key', 'remove', fingerprint, '--force'), '');
  t.deepEqual(site.state(), ['[]', '[]']);
  t.regex(await site.ok('key', 'status'), /NOT STORED: .*key restore/);
  t.regex(await site.fails(t, '', 'key', 'remove', fingerprint), /^Error: no key /);
});

test('a pool may be told to encrypt with a key that is not stored: its user is told at once', async (t) => {
  const site = box(t);
  const missing = Array.from({ length: 32 }, () => 'ab').join(':');
  const warning = new RegExp(
    `^Warning: key ${missing} is not stored here: jobs of this pool fail until it is.*key restore.*key import.*key create`,
  );
  const made = await site.run('pool', 'create', 'daily', '--encrypt', missing.toUpperCase());
  t.deepEqual([made.code, made.stdout], [0, '']);
  t.regex(made.stderr, warning);
  const fingerprint = await site.create('correct horse', 'x', '--kdf', 'pbkdf2');
  const stored = await site.run('pool', 'update', 'daily', '--encrypt', fingerprint);
  t.deepEqual([stored.code, stored.stderr], [0, '']);
  t.regex((await site.run('pool', 'update', 'daily', '--encrypt', missing)).stderr, warning);
  t.is((await site.run('pool', 'update', 'daily', '--comment', 'not about the key')).stderr, '');
  writeFileSync(join(site.root, CONFIGS), 'damaged');
  const unsure = await site.run('pool', 'update', 'daily', '--encrypt', fingerprint);
  t.is(unsure.code, 0);
  t.regex(unsure.stderr, /is perhaps not stored here \(.*tape-encryption-key-config.json/);
});

for (const format of ['text', 'html']) {
  test(`a paper key as ${format} brings the key back after everything else is lost`, async (t) => {
    const site = box(t);
    const fingerprint = await site.create('correct horse', 'equine');
    const paper = await site.ok('key', 'paperkey', fingerprint, '--output-format', format, '--subject', 'A <b> & c');
    const path = join(site.root, 'paper');
    writeFileSync(path, paper);
    t.regex(await site.ok('key', 'status'), /paper key made .*, under its present password \(hint 'equine'\)/);
    const state = site.state();
    t.regex(await site.fails(t, 'correct horse\n', 'key', 'import', path), /is there already: nothing was changed/);
    await site.ok('key', 'remove', fingerprint);
    t.regex(await site.fails(t, 'wrong horse\n', 'key', 'import', path), /wrong password .*equine/);
    t.deepEqual(site.state(), ['[]', '[]']);
    const { code, stdout } = await site.type('correct horse\n', 'key', 'import', path);
    t.deepEqual([code, stdout], [0, `"${fingerprint}"\n`]);
    t.deepEqual(site.state(), state);
  });
}

test('import: a new hint, and files that are no keys', async (t) => {
  const site = box(t);
  const { wrapped, plain } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../../../tests/vectors/keys/configs.json'), 'utf8'),
  ) as { wrapped: { json: string; fingerprint: string }[]; plain: { json: string } };
  const path = join(site.root, 'key');
  const put = (text: string) => writeFileSync(path, text);
  const key = wrapped[1]?.json ?? '';
  for (const [text, said] of [
    ['', /key: no key found/],
    ['not a key', /key: no key found/],
    [key.slice(0, -60), /key: /],
    [key.replace('PBKDF2', 'Argon2'), /key: .*KDF/],
    [key.replace('65535', '10000001'), /key: .*rounds/],
    [plain.json, /not protected by a password/],
    [key.replace('0e:ab', '0e:ac'), /the key in it has fingerprint 0e:ab/],
    [key.replace('"data":"oKGio', '"data":"oKGiO'), /wrong password .*altered/],
  ] as const) {
    put(text);
    t.regex(await site.fails(t, 'correct horse\n', 'key', 'import', path), said, text);
  }
  t.regex(await site.fails(t, '', 'key', 'import', join(site.root, 'missing')), /missing/);
  t.throws(() => site.stored(), { code: 'ENOENT' });
  put(key);
  t.is((await site.type('correct horse\n', 'key', 'import', path, '--hint', 'pony')).code, 0);
  t.like(site.stored()[0], { hint: 'pony', data: (JSON.parse(key) as StoredKey).data });
});

test('damaged key files are named and left as they are', async (t) => {
  const site = box(t);
  const fingerprint = await site.create('correct horse', 'x', '--kdf', 'pbkdf2');
  const whole = site.state();
  for (const [index, path] of [KEYS, CONFIGS].entries()) {
    const content = whole[index] ?? '';
    const twice = `[${content.slice(1, -1)},${content.slice(1, -1)}]`;
    for (const damaged of [content.slice(0, -20), twice, '{}']) {
      writeFileSync(join(site.root, path), damaged);
      const said = await site.fails(t, 'correct horse\n', 'key', 'create', '--hint', 'y', '--kdf', 'pbkdf2');
      t.true(said.startsWith(`Error: ${join(site.root, path)}: `), said);
      t.is(site.read(path), damaged);
    }
    writeFileSync(join(site.root, path), content);
  }
  t.is((await site.type('correct horse\n', 'key', 'check', fingerprint)).code, 0);
});

test('a plain key file that others can read is told of, and so is a key that stands under its password only', async (t) => {
  const site = box(t);
  const fingerprint = await site.create('correct horse', 'x', '--kdf', 'pbkdf2');
  const path = join(site.root, KEYS);
  chmodSync(path, 0o644);
  const open = await site.run('key', 'list');
  t.is(open.code, 0);
  t.regex(open.stderr, /^Warning: .*tape-encryption-keys.json has mode 0644: others can read it.*chmod 600/);
  rmSync(path);
  const status = await site.run('key', 'status');
  t.is(status.stderr, '');
  t.regex(status.stdout, /STORED UNDER ITS PASSWORD ONLY \(hint 'x'\), jobs cannot use it: .*key paperkey.*key import/);
  t.like((await site.json<object[]>('key', 'status'))[0], { stored: true, usable: false });
  const paper = join(site.root, 'paper');
  writeFileSync(paper, await site.ok('key', 'paperkey', fingerprint));
  t.is((await site.type('correct horse\n', 'key', 'import', paper)).code, 0);
  t.like((await site.json<object[]>('key', 'status'))[0], { stored: true, usable: true });
});

for (const name of ['tape-key-scrypt.json', 'tape-key-pbkdf2.json']) {
  fixtureTest(`${name}: a key of PBS is taken in, and stored byte for byte as PBS stored it`, async (t) => {
    interface Fixture {
      key_config: StoredKey;
      password: string;
      fingerprint: string;
      raw_key_hex: string;
    }
    const { key_config, password, fingerprint, raw_key_hex } = readFixture<Fixture>('small', name);
    const site = box(t);
    const path = join(site.root, 'key.json');
    writeFileSync(path, JSON.stringify(key_config));
    const { code, stdout, stderr } = await site.type(password, 'key', 'import', path);
    t.deepEqual([code, stdout], [0, `"${fingerprint}"\n`], stderr);
    t.deepEqual(JSON.parse(site.read(KEYS)), [{ fingerprint, key: raw_key_hex }]);
    const ofPbs = readFileSync(fixturePath('small', CONFIGS.replace('etc/proxmox-backup', 'etc')), 'utf8');
    t.true(ofPbs.includes(site.read(CONFIGS).slice(4, -2)), site.read(CONFIGS));
  });
}
