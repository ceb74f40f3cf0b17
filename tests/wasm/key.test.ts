/** Key files and paper keys in the browser package: the vectors that the Rust tests read, and keys that PBS wrote. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import * as wasm from '#wasm';
import { fixturePath, fixtureTest, readFixture } from '../fixtures.ts';

const checkout = resolve(import.meta.dirname, '..', '..', '..');

interface ConfigVectors {
  wrapped: {
    name: string;
    password: string;
    kdf: string;
    epoch: number;
    hint: string;
    fingerprint: string;
    json: string;
    label: string;
  }[];
  plain: { fingerprint: string; json: string };
  accepted: { name: string; json: string; written: string }[];
  refused: { name: string; json: string }[];
  unopened: { name: string; json: string; password: string; error: string }[];
}

interface PaperVectors {
  json: string;
  password: string;
  written: { json: string; subject: string | null; text: string; page?: string }[];
  read: { name: string; text: string }[];
  refused: { name: string; text: string }[];
}

interface KdfVectors {
  refused: { kdf: unknown }[];
}

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(checkout, 'tests/vectors/keys', `${name}.json`), 'utf8')) as T;
}

const bytes = (text: string) => new TextEncoder().encode(text);

let memory: wasm.InitOutput['memory'];

test.before(async () => {
  ({ memory } = await wasm.default({
    module_or_path: readFileSync(join(checkout, 'bindings/wasm/ferrite_wasm_bg.wasm')),
  }));
});

test('wrapped keys tell what they are, and open with their password', (t) => {
  for (const { password, kdf, epoch, hint, fingerprint, json, label } of vectors<ConfigVectors>('configs').wrapped) {
    for (const text of [json, label]) {
      const file: wasm.KeyFile = wasm.openKeyFile(bytes(text));
      t.deepEqual(file, { kdf, created: epoch, modified: epoch, fingerprint, hint, json } as wasm.KeyFile);
    }
    t.is(wasm.checkKeyPassword(bytes(json), bytes(password)), fingerprint);
  }
});

test('altered keys and other passwords do not open', (t) => {
  for (const { name, json, password, error } of vectors<ConfigVectors>('configs').unopened) {
    const thrown = t.throws(() => wasm.checkKeyPassword(bytes(json), bytes(password)), undefined, name);
    t.regex(
      thrown?.message ?? '',
      error === 'wrong-password' ? /wrong password for key .*hint: "equine"/ : /has fingerprint/,
    );
    t.false(thrown?.message.includes(password));
  }
  const { json } = vectors<ConfigVectors>('configs').wrapped[0] ?? { json: '' };
  t.throws(() => wasm.checkKeyPassword(bytes(json), bytes('1234')), { message: /fewer than 5 bytes/ });
  t.throws(() => wasm.checkKeyPassword(bytes(json), Uint8Array.of(0xff, 1, 2, 3, 4)), { message: /UTF-8/ });
});

test('other spellings are read, what is no key is refused', (t) => {
  const { accepted, refused } = vectors<ConfigVectors>('configs');
  for (const { name, json, written } of accepted) t.is(wasm.openKeyFile(bytes(json)).json, written, name);
  // A paper key may have words around it, a key file not.
  for (const { name, json } of refused.filter((one) => one.name !== 'text behind it'))
    t.throws(() => wasm.openKeyFile(bytes(json)), undefined, name);
});

test('parameters beyond the limits are refused before memory is taken', (t) => {
  const sound = JSON.parse(vectors<PaperVectors>('paper').json) as Record<string, unknown>;
  for (const { kdf } of vectors<KdfVectors>('kdf').refused)
    t.throws(() => wasm.checkKeyPassword(bytes(JSON.stringify({ ...sound, kdf })), bytes('correct horse')));
  // The memory of a module only grows: 1 GiB would show.
  t.true(memory.buffer.byteLength < 512 * 2 ** 20, `${memory.buffer.byteLength} bytes`);
});

test('a key without password says nothing of itself, and is not printed', (t) => {
  const { fingerprint, json } = vectors<ConfigVectors>('configs').plain;
  const file: wasm.KeyFile = wasm.openKeyFile(bytes(json));
  t.deepEqual([file.kdf, file.fingerprint, file.json], ['none', fingerprint, undefined]);
  t.throws(() => wasm.checkKeyPassword(bytes(json), bytes('any password')), { message: /not protected/ });
  t.throws(() => wasm.makePaperKey(bytes(json), 'text'), { message: /not protected/ });
});

test('paper keys are written as text and as page', (t) => {
  for (const { json, subject, text, page } of vectors<PaperVectors>('paper').written) {
    const printed = wasm.makePaperKey(bytes(json), 'text', subject);
    t.true(printed.startsWith(text));
    const html = wasm.makePaperKey(bytes(json), 'html', subject);
    if (page) t.true(html.includes(page));
    for (const paper of [printed, html]) t.is(wasm.openKeyFile(bytes(paper)).json, json);
  }
  const { json } = vectors<PaperVectors>('paper');
  t.throws(() => wasm.makePaperKey(bytes(json), 'pdf'), { message: /neither "text" nor "html"/ });
  t.throws(() => wasm.makePaperKey(bytes(json), 'html', 'two\nlines'), { message: /subject/ });
});

test('keys are found in what people have', (t) => {
  const { json, read, refused } = vectors<PaperVectors>('paper');
  for (const { name, text } of read) t.is(wasm.openKeyFile(bytes(text)).json, json, name);
  for (const { name, text } of refused) t.throws(() => wasm.openKeyFile(bytes(text)), undefined, name);
});

for (const name of ['tape-key-scrypt.json', 'tape-key-pbkdf2.json']) {
  fixtureTest(`wasm opens ${name} of PBS`, (t) => {
    const { key_config, password, fingerprint } = readFixture<{
      key_config: object;
      password: string;
      fingerprint: string;
    }>('small', name);
    t.is(wasm.checkKeyPassword(bytes(JSON.stringify(key_config)), bytes(password)), fingerprint);
  });
}

fixtureTest('wasm finds the wrapped key in the label of an encrypted tape', (t) => {
  for (const [tape, name] of [
    ['ENC001', 'tape-key-scrypt.json'],
    ['ENC002', 'tape-key-pbkdf2.json'],
  ] as const) {
    const label: wasm.TapeFile = wasm.describeTapeFile(
      readFileSync(fixturePath('small', 'enc-label', `tapefile-1-${tape}.json`)),
    );
    const listed = readFixture<{ key_config: object; password: string; fingerprint: string }>('small', name);
    t.deepEqual(label.header['key-config'], listed.key_config);
    const wrapped = bytes(JSON.stringify(label.header['key-config']));
    t.is(wasm.checkKeyPassword(wrapped, bytes(listed.password)), listed.fingerprint);
  }
});
