/** Encrypted media sets on drives that encrypt: what lies on the cartridges, which key it needs, and who is refused. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FerriteError, toFerriteError } from '../../ts/errors.ts';
import { openInstallation, poolConfig } from '../../ts/index.ts';
import { poolEncryption, prepareToWrite } from '../../ts/jobs/tape_encryption.ts';
import { openKeyStore } from '../../ts/keys/key_store.ts';
import type { OpenDrive } from '../../ts/library/drives/drive.ts';
import { TapeDrive } from '../../ts/native.ts';
import { EncryptedSite } from './encrypted_site.ts';

let site: EncryptedSite;

test.before(async () => {
  site = await EncryptedSite.make();
});
test.after.always(() => site?.remove());
test.beforeEach(() => site.reset());

test.serial('data is ciphertext on the cartridge, labels are not, and the key leaves the drive', async (t) => {
  t.true(site.hasPlainText('FER002L8'), 'the search finds what is not encrypted');
  t.false(site.hasPlainText('FER001L8'));
  const cartridge = site.cartridge('FER001L8');
  for (const text of ['"key-config"', site.key, '"hint"', '"label_text": "FER001L8"'])
    t.true(cartridge.includes(text), text);
  t.false(cartridge.includes('index.json.blob'), 'names of files are encrypted as well');
  t.is(await site.mode(), 'off');
  const trace = (await site.run('read-label --drive drv --output-format json')).stdout;
  t.is((JSON.parse(trace) as Record<string, unknown>)['encryption-key-fingerprint'], undefined);
});

test.serial('the label carries the wrapped key as PBS writes it: sorted members, the same data', async (t) => {
  const cartridge = site.cartridge('FER001L8').toString('latin1');
  const [, object = ''] = /"key-config": (\{.*?\n {2}\}),\n {2}"pool"/s.exec(cartridge) ?? [];
  const found = JSON.parse(object) as Record<string, unknown>;
  t.deepEqual(Object.keys(found), ['created', 'data', 'fingerprint', 'hint', 'kdf', 'modified']);
  t.deepEqual(Object.keys((found.kdf as { Scrypt: object }).Scrypt), ['n', 'p', 'r', 'salt']);
});

test.serial('another key of the pool starts a new media set; each is restored with its own key', async (t) => {
  const created = await site.run('key create --hint second --kdf pbkdf2', 'battery staple\n');
  const second = JSON.parse(created.stdout) as string;
  await site.run('load-media FER003L8');
  await site.run('label --label-text FER003L8 --pool enc');
  await site.site.ok('pool', 'update', 'enc', '--encrypt', second);
  const backup = await site.run('backup store1 enc');
  t.is(backup.code, 0, backup.stderr);
  t.regex(backup.stdout, /starting new media set - reason: the pool's encryption has changed/);
  t.true(backup.stdout.includes(`data is encrypted with key ${second.slice(0, 23)} by drive 'drv'`));
  t.false(site.hasPlainText('FER003L8'));
  const restored = await site.run('restore SET target');
  t.is(restored.code, 0, restored.stderr);
  const status = (await site.run('key status')).stdout;
  t.regex(status, /tape FER001L8 carries it under its present password \(hint 'equine'\)/);
  t.regex(status, /tape FER003L8 carries it under its present password \(hint 'second'\)/);
});

test.serial('S-175 keys: two media sets with the same pool key have different keys in the drive', async (t) => {
  await site.run('load-media FER001L8');
  const installation = openInstallation({ root: site.site.root, variables: {} });
  const key = await (await openKeyStore(installation)).unlock(site.key);
  const drive = await TapeDrive.open({ kind: 'lto', name: 'drv', path: join(site.library, 'drive0') });
  t.teardown(() => drive.close());
  const scan = async (mediaSetUuid: string) => {
    await drive.setEncryption({ key, mediaSetUuid });
    const kinds: string[] = [];
    await drive.scanFiles((event) => kinds.push(event.file?.kind ?? ''));
    return kinds.filter((kind) => /Archive/.test(kind)).length;
  };
  t.true((await scan(site.set)) > 1);
  const error = await scan('00000000-0000-4000-8000-000000000175').then(
    () => undefined,
    (thrown) => toFerriteError(thrown),
  );
  t.truthy(error, 'with the key of another set its data cannot be read');
  t.is(await drive.encryptionMode(), 'off', 'and the key is gone after the failure');
});

test.serial('a catalog comes back from the encrypted tape alone', async (t) => {
  await site.run('load-media FER001L8');
  for (const words of ['catalog --force', 'catalog --force --scan']) {
    const { code, stdout, stderr } = await site.run(words);
    t.is(code, 0, stderr);
    t.regex(stdout, /loaded encryption key [0-9a-f:]{23} into drive 'drv'/);
  }
  t.regex((await site.run('scan --drive drv')).stdout, /Snapshot Archive/);
});

test.serial('the catalog has the password hint of a key, also when the key is gone', async (t) => {
  const sql = 'SELECT key_fingerprint, hint FROM media JOIN encryption_key ON fingerprint = key_fingerprint';
  const expected = [{ key_fingerprint: site.key, hint: 'equine' }];
  t.deepEqual(await site.site.json('catalog', 'query', sql), expected);
  await site.run('key change-passphrase KEY --hint power --kdf pbkdf2', 'correct horse\nbattery staple\n');
  t.deepEqual(await site.site.json('catalog', 'query', sql), [{ ...expected[0], hint: 'power' }]);
  // What helps then is what stands on the tape.
  await site.site.ok('key', 'remove', site.key, '--force');
  t.deepEqual(await site.site.json('catalog', 'query', sql), expected);
});

test.serial('the trace of all commands shows no key', async (t) => {
  const keys = spawnSync('cat', [join(site.site.root, 'etc/proxmox-backup/tape-encryption-keys.json')]);
  const [{ key = '' } = {}] = JSON.parse(keys.stdout.toString()) as { key: string }[];
  const raw = Buffer.from(key, 'hex');
  for (const words of ['backup store1 enc --force-media-set', 'restore SET target', 'key status']) {
    const { stdout, stderr } = await site.run(words);
    for (const form of [key, raw.toString('base64').slice(0, 40)]) t.false((stdout + stderr).includes(form), words);
  }
});

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

for (const [encryption, why] of [
  ['library', /its library, or a policy of the drive, decides about encryption/],
  ['none', /it has no hardware encryption/],
] as const) {
  test.serial(`drives whose encryption is a matter of: ${encryption}`, async (t) => {
    site.control(encryption);
    const image = join(site.folder, `image-${encryption}`);
    const content = randomBytes(1_000_000);
    writeFileSync(image, content);
    await site.run(`snapshot import store1 vm/${encryption} disk.img:${image}`);
    await site.run('load-media FER003L8');
    t.is((await site.run('label --label-text FER003L8 --pool enc')).code, 0);
    const media = (await site.run('media list --output-format json')).stdout;
    const tapes = (): string[] => ['FER001L8', 'FER003L8'].map((label) => sha256(site.cartridge(label)));
    const untouched = tapes();
    for (const words of ['backup store1 enc', 'backup store1 enc --force-media-set']) {
      const refused = await site.run(words);
      t.is(refused.code, 255);
      t.regex(refused.stderr, /nothing was written: drive 'drv' cannot encrypt with key [0-9a-f:]{95}: /);
      t.regex(refused.stderr, why);
    }
    t.is((await site.run('media list --output-format json')).stdout, media, 'no tape was taken for it');
    t.deepEqual(tapes(), untouched);

    const plain = await site.run('backup store1 plain');
    t.is(plain.code, 0, plain.stderr);
    t.is(/library of drive 'drv' decides about encryption/.test(plain.stdout), encryption === 'library');
    t.is(site.hasPlainText('FER002L8', content), encryption === 'none', 'the library encrypts what the pool does not');
    const [, set = ''] = /^media set uuid: (.*)$/m.exec(plain.stdout) ?? [];
    const restored = await site.run(`restore ${set} target`);
    t.is(restored.code, 0, restored.stderr);
    const unreadable = await site.run('restore SET target');
    t.is(unreadable.code, 255);
    t.regex(unreadable.stderr, /tape 'FER001L8' is encrypted, and drive 'drv' cannot decrypt it/);
  });
}

test.serial('a drive that does not take the key is told of before anything is written', async (t) => {
  const installation = openInstallation({ root: site.site.root, variables: {} });
  const encryption = await poolEncryption(installation, await poolConfig(installation, 'enc'));
  const tape = {
    setEncryption: () => Promise.reject(new FerriteError('operator', 'encryption', 'refused')),
    encryptionMode: () => Promise.resolve('off'),
  };
  const drive = { name: 'drv', tape } as unknown as OpenDrive;
  await t.throwsAsync(prepareToWrite(drive, site.set, encryption), {
    code: 'encryption',
    message: /nothing was written: .*: refused/,
  });
});
