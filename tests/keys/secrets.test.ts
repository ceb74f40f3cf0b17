/**
 * Neither a password nor a key is anywhere but where it belongs: not in what commands print, not in files besides the plain
 * key file, and never a string of JavaScript, which could not be wiped.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { Installed } from '../cli/run.ts';
import { memoryDirectory } from '../temporary_installation.ts';

/** Put together where it is used, so that no source or heap has it by chance. */
const OLD = ['pAsSwOrD', 'nEvEr', 'ShOwN'].join('-');
const NEW = ['sEcOnD', 'pAsSwOrD', 'nEvEr', 'ShOwN'].join('-');

/** A secret in the forms in which it could leak; parts of twelve characters, because parts are enough. */
function forms(secret: Buffer): Buffer[] {
  const decimal = Buffer.from([...secret.subarray(0, 6)].join(','));
  const texts = [secret.toString('hex'), secret.toString('base64')].map((form) => Buffer.from(form.slice(0, 12)));
  return [secret.subarray(0, 12), decimal, ...texts, Buffer.from(secret.toString('latin1'), 'utf16le').subarray(0, 24)];
}

function assertClean(t: ExecutionContext, content: Buffer, secrets: readonly Buffer[], where: string): void {
  for (const form of secrets.flatMap(forms)) t.false(content.includes(form), `${where} has ${form}`);
}

function keys(root: string): Buffer[] {
  const text = readFileSync(join(root, 'etc/proxmox-backup/tape-encryption-keys.json'), 'utf8');
  return (JSON.parse(text) as { key: string }[]).map(({ key }) => Buffer.from(key, 'hex'));
}

test('the search finds what it looks for', (t) => {
  const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
  for (const form of [key.toString('hex'), key.toString('base64'), key, [...key].join(',')]) {
    t.true(forms(key).some((part) => Buffer.from(form).includes(part)));
  }
});

test('nothing that commands print or write shows a password or a key', async (t) => {
  const root = memoryDirectory(t);
  const site = new Installed(root);
  let printed = '';
  const type = async (input: string, ...words: string[]) => {
    const { stdout, stderr } = await site.type(input, ...words);
    printed += stdout + stderr;
    return stdout;
  };
  const kdf = ['--kdf', 'pbkdf2'];
  const fingerprint = JSON.parse(await type(`${OLD}\n`, 'key', 'create', '--hint', 'a hint', ...kdf)) as string;
  const secrets = [...keys(root), Buffer.from(OLD), Buffer.from(NEW)];
  await type(`${NEW}\n${OLD}\n`, 'key', 'change-passphrase', fingerprint, ...kdf);
  await type(`${OLD}\n${NEW}\n`, 'key', 'change-passphrase', fingerprint, ...kdf);
  for (const format of ['text', 'html']) {
    writeFileSync(join(root, format), await type('', 'key', 'paperkey', fingerprint, '--output-format', format));
  }
  for (const words of [['list'], ['show', fingerprint], ['status'], ['check', fingerprint]]) {
    await type(`${NEW}\n`, 'key', ...words, '--output-format', 'json-pretty');
  }
  await type(`${OLD}\n`, 'key', 'check', fingerprint);
  await type(`${NEW}\n`, 'key', 'import', join(root, 'text'));
  await type('', 'key', 'remove', fingerprint);
  await type(`${NEW}\n`, 'key', 'import', join(root, 'html'));
  // A plain key file that is damaged in the middle of its key.
  const path = join(root, 'etc/proxmox-backup/tape-encryption-keys.json');
  const content = readFileSync(path, 'utf8');
  for (const damaged of [
    content.slice(0, -10),
    content.replace('"key"', '"keys"'),
    content.replace(/"key": "./, '"key": "x'),
  ]) {
    writeFileSync(path, damaged);
    await type(`${NEW}\n`, 'key', 'create', '--hint', 'another', ...kdf);
    await type(`${NEW}\n${OLD}\n`, 'key', 'change-passphrase', fingerprint, ...kdf, '--force');
  }
  t.true(printed.length > 3000);
  assertClean(t, Buffer.from(printed), secrets, 'output');
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && file !== path) assertClean(t, readFileSync(file), secrets, file);
  }
});

/** Runs in a process of its own; writes its heap when everything is still alive. */
const PROGRAM = `
  import { writeHeapSnapshot } from 'node:v8';
  const index = await import(process.env.INDEX);
  const { PasswordReader } = await import(process.env.NATIVE);
  const installation = index.openInstallation({ variables: process.env });
  const typed = await new PasswordReader().read({ prompt: 'unused: ' });
  const bytes = Buffer.from(process.env.BYTES.split(' ').map((byte) => Number(byte) ^ 0x55));
  const given = await index.passwordFrom(bytes);
  const wiped = bytes.every((byte) => byte === 0);
  const fingerprint = await index.createKey(installation, { hint: 'x', kdf: 'pbkdf2', password: typed });
  await index.changeKeyPassphrase(installation, fingerprint, { current: typed, password: given, kdf: 'pbkdf2' });
  const wrapped = await index.storedKey(installation, fingerprint);
  const opened = await wrapped.check(given);
  const refused = await wrapped.check(typed).catch((error) => error);
  writeHeapSnapshot(process.env.HEAP);
  console.log(JSON.stringify({ wiped, same: opened === fingerprint, refused: refused.code, shown: [typed, given, wrapped].map(String) }));
`;

test('no string of JavaScript is a password or a key', async (t) => {
  const root = memoryDirectory(t);
  const dist = join(import.meta.dirname, '../..');
  const env = {
    PATH: process.env.PATH,
    PROXMOX_TAPE_ROOT: root,
    INDEX: join(dist, 'ts/index.js'),
    NATIVE: join(dist, 'ts/native.js'),
    HEAP: join(root, 'heap'),
    BYTES: [...Buffer.from(NEW)].map((byte) => byte ^ 0x55).join(' '),
  };
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], { env });
  child.stdin.end(`${OLD}\n`);
  const [said, failed] = await Promise.all([text(child.stdout), text(child.stderr)]);
  t.is(failed, '');
  const shown = Array(3).fill('[object Object]');
  t.deepEqual(JSON.parse(said), { wiped: true, same: true, refused: 'wrong-password', shown });
  const heap = readFileSync(join(root, 'heap'));
  t.true(heap.includes('tape-encryption-keys.json'));
  assertClean(t, heap, [...keys(root), Buffer.from(OLD), Buffer.from(NEW)], 'heap');
});
